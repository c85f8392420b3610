/** The cluster as a service opens it. */
import { BallotClock } from '#common/ballot.ts';
import type { Clock } from '#common/io/clock.ts';
import type { Network } from '#common/io/network.ts';
import type { Randomness } from '#common/io/randomness.ts';
import { createPlacement } from '#ring/placement-hash.ts';
import type { RingSource } from '#ring/live-ring.ts';
import { DataBuffers } from '#storage-node/protocol/data-buffers.ts';
import type { LocalNode } from '#storage-node/protocol/node-access.ts';
import { StripedBodies } from './bodies/striped-bodies.ts';
import { WriterLease } from './bodies/writer-lease.ts';
import type { Cluster } from './cluster.ts';
import type { ClusterContext } from './context.ts';
import { QuorumListings } from './listings/quorum-listings.ts';
import { NodeDirectory } from './node-directory.ts';
import { QuorumRecords } from './records/quorum-records.ts';
import { Repairer } from './repair/repairer.ts';
import { Ticker } from './ticker.ts';
import { Upkeep } from './upkeep/upkeep.ts';

const GRACE_MS = 3_600_000;

export interface ClusterOptions {
  readonly network: Network;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly clusterKey: Buffer;
  /** The devices of this process, when it has some. */
  readonly local?: LocalNode;
  readonly rings: RingSource;
  /** How old something must be before it may be swept, and how long a process that writes is believed to be alive; an hour when left out. */
  readonly graceMs?: number;
}

export interface OpenCluster extends Cluster {
  readonly upkeep: Upkeep;
  /** For what works on the cluster itself. */
  readonly context: ClusterContext;
  /** Hands devices what they missed. */
  readonly repairs: Repairer;
  close(): Promise<void>;
}

export async function openCluster(options: ClusterOptions): Promise<OpenCluster> {
  const { network, clock, randomness, clusterKey, rings, local } = options;
  const buffers = new DataBuffers();
  const nodes = new NodeDirectory(
    { network, clock, randomness, clusterKey, buffers },
    () => rings.current,
    local,
  );
  let repairs: Repairer | undefined;
  const context: ClusterContext = {
    misses: {
      record: (device, hint) => repairs?.record(device, hint),
      blob: (device, id) => repairs?.blob(device, id),
    },
    get ring() {
      return rings.current;
    },
    ringOutdated: () => rings.look(),
    nodes,
    clock,
    randomness,
    placement: await createPlacement(),
    figures: { mutations: 0, repeatedAttempts: 0, givenUp: 0 },
    // Two writers must never share an id: 48 random bits, drawn anew at each start.
    ballots: new BallotClock(randomness.bytes(6).readUIntBE(0, 6), () => clock.nowMs()),
  };
  const ticker = new Ticker(clock);
  const records = new QuorumRecords(context, ticker);
  const repairer = new Repairer(context, ticker, records);
  repairs = repairer;
  const lease = new WriterLease(context, records, options.graceMs ?? GRACE_MS);
  const bodies = new StripedBodies(context, ticker, lease);
  const listings = new QuorumListings(context, records);
  return {
    records,
    listings,
    bodies,
    context,
    repairs: repairer,
    upkeep: new Upkeep({ context, records, listings, lease, inProgress: bodies.inProgress }),
    async close() {
      lease.close();
      await repairer.close();
      await bodies.flush();
      nodes.close();
    },
  };
}
