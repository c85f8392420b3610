/**
 * Moves the partitions of a cluster on one machine, while the ring's builder has moves: the supervisor drives them until a control service does. What the
 * cluster's own code needs is loaded when the first move is seen.
 */
import type { OpenCluster } from '#cluster/open-cluster.ts';
import type { Mover, MoverStatus } from '#cluster/rebalance/mover.ts';
import { realClock } from '#common/io/real-clock.ts';
import { realFiles } from '#common/io/real-files.ts';
import { realNetwork } from '#common/io/real-network.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import { type FollowedRing, followRing } from '#ring/file/follow-ring.ts';
import { loadBuilder, ringPaths } from '#ring/file/ring-files.ts';
import type { Ring } from '#ring/ring.ts';
import { fileBuilderStore } from './builder-store.ts';

/** So much of the disks and the network at most goes into moves. */
const BYTES_PER_SECOND = 128 * 2 ** 20;
/** Longer than a request that an earlier ring has sent on its way. */
const DROP_AFTER_MS = 10_000;
const POLL_MS = 10;

export interface PartitionMoverOptions {
  readonly root: string;
  readonly clusterKey: Buffer;
  /** Told of every newer ring, before anything moves by it. */
  readonly ringChanged: (ring: Ring) => Promise<void>;
  readonly report: (problem: string) => void;
}

const RESTING: MoverStatus = {
  moving: 0,
  joining: 0,
  dropping: 0,
  copiedRecords: 0,
  copiedBlobs: 0,
  copiedBytes: 0,
};

export class PartitionMover {
  readonly #options: PartitionMoverOptions;
  readonly #rings: FollowedRing;
  #cluster: OpenCluster | undefined;
  #mover: Mover | undefined;
  #turn: Promise<void> = Promise.resolve();
  #closed = false;

  static async start(options: PartitionMoverOptions): Promise<PartitionMover> {
    const rings = await followRing({
      files: realFiles(),
      clock: realClock(),
      path: ringPaths(options.root).ring,
      report: options.report,
    });
    return new PartitionMover(options, rings);
  }

  private constructor(options: PartitionMoverOptions, rings: FollowedRing) {
    this.#options = options;
    this.#rings = rings;
    rings.subscribe(() => this.#ringChanged());
    this.#ringChanged();
  }

  get status(): MoverStatus {
    return this.#mover?.status ?? RESTING;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#rings.close();
    await this.#turn;
    await this.#mover?.close();
    await this.#cluster?.close();
  }

  #ringChanged(): void {
    this.#turn = this.#turn
      .then(async () => {
        if (this.#closed) return;
        await this.#options.ringChanged(this.#rings.current);
        await this.#begin();
      })
      .catch((error: unknown) => this.#options.report(String(error)));
  }

  async #begin(): Promise<void> {
    if (this.#mover !== undefined) {
      this.#mover.notify();
      return;
    }
    const { root, clusterKey, report } = this.#options;
    const { moves, drops } = (await loadBuilder(realFiles(), ringPaths(root).builder)).state;
    if (moves.length + drops.length === 0) return;
    const [{ openCluster }, { Mover }, { BuilderBook }] = await Promise.all([
      import('#cluster/open-cluster.ts'),
      import('#cluster/rebalance/mover.ts'),
      import('#cluster/rebalance/builder-book.ts'),
    ]);
    const [clock, rings] = [realClock(), this.#rings];
    const world = { network: realNetwork(), clock, randomness: realRandomness() };
    this.#cluster = await openCluster({ ...world, clusterKey, rings });
    const store = fileBuilderStore(
      root,
      realFiles(),
      () => clock.nowMs(),
      () => this.#published(),
    );
    this.#mover = new Mover({
      context: this.#cluster.context,
      records: this.#cluster.records,
      book: new BuilderBook(store),
      bytesPerSecond: BYTES_PER_SECOND,
      dropAfterMs: DROP_AFTER_MS,
      report,
    });
    this.#mover.start();
  }

  /** Resolves when this process has the ring that stands in the file. */
  async #published(): Promise<void> {
    const { version } = (await loadBuilder(realFiles(), ringPaths(this.#options.root).builder)).state;
    while (this.#rings.current.version < version && !this.#closed) {
      this.#rings.look();
      await new Promise<void>((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}
