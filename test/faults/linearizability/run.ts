/** A real cluster, clients, faults, the calm, and the judgement: docs/reliability.md, "Linearizability". */
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import { isLinearizable } from '../../simulator/linearizability.ts';
import type { Operation } from '../../simulator/operation.ts';
import { minimalHistory, tellStory } from '../../simulator/story.ts';
import { FaultCluster, type FaultClusterOptions } from '../processes/fault-cluster.ts';
import type { PacketFilter } from '../processes/packet-filter.ts';
import { StoreClient } from '../processes/store-client.ts';
import { BUCKET, Clients } from './clients.ts';
import { type FaultFigures, Faults } from './faults.ts';
import { Recorder } from './recorder.ts';
import { Values } from './values.ts';

const CLIENTS = 8;

export interface LinearizabilityOptions {
  readonly layout: FaultClusterOptions['layout'];
  readonly firstPort: number;
  readonly seed: number;
  readonly seconds: number;
  /** Cuts wires in the kernel; relays do when it is left out. */
  readonly filter?: PacketFilter;
  readonly signal?: AbortSignal;
}

export interface LinearizabilityFigures extends FaultFigures {
  readonly keys: number;
  readonly operations: number;
  /** Writes that nobody knows the end of. */
  readonly open: number;
}

/** Throws when the history of a key cannot be that of one variable, with its story. */
export async function runLinearizability(options: LinearizabilityOptions): Promise<LinearizabilityFigures> {
  const { layout, firstPort, seed } = options;
  const isApart = layout === 'apart';
  const wired = { wired: true, proxies: 2, ...(options.filter && { filter: options.filter }) };
  await using cluster = await FaultCluster.make({ layout, firstPort, ...(isApart ? wired : {}) });
  const store = new StoreClient(cluster.keys);
  const recorder = new Recorder();
  try {
    await cluster.start();
    const bucket = await store.s3(cluster.endpoints[0] as string, 'PUT', `/${BUCKET}`);
    if (bucket.status !== 200) throw new Error(`the bucket was not made: ${bucket.status}`);
    const faults = await disturb(options, cluster, store, recorder);
    judge(recorder.operations);
    return { ...faults, ...figuresOf(recorder) };
  } catch (error) {
    const logs = cluster.roles.map(({ name, output }) => `--- ${name}\n${output.slice(-2000)}`).join('\n');
    throw new Error(`${layout}, seed ${seed}: ${String(error)}\n${logs}`, { cause: error });
  } finally {
    store.close();
  }
}

async function disturb(
  options: LinearizabilityOptions,
  cluster: FaultCluster,
  store: StoreClient,
  recorder: Recorder,
): Promise<FaultFigures> {
  const { endpoints } = cluster;
  const values = new Values();
  const random = seededRandomness(options.seed);
  const clients = new Clients({ store, endpoints, recorder, values, random }, CLIENTS);
  const faults = new Faults(cluster, seededRandomness(options.seed + 1), options.layout === 'apart');
  const { signal } = options;
  await sleep(options.seconds * 1000, undefined, signal && { signal }).catch(() => undefined);
  await faults.end();
  await clients.stop();
  await clients.lookAtAll();
  return faults.figures;
}

function judge(operations: ReadonlyMap<string, readonly Operation[]>): void {
  for (const [key, ofKey] of operations) {
    // A read that was not answered has shown nothing.
    const known = ofKey.filter(({ outcome, action }) => outcome !== undefined || action.type !== 'read');
    if (isLinearizable(known)) continue;
    throw new Error(`key ${key}: not linearizable\n${tellStory(minimalHistory(known)).join('\n')}`);
  }
}

function figuresOf(recorder: Recorder): { keys: number; operations: number; open: number } {
  const keys = [...recorder.operations.keys()];
  const open = keys.reduce((sum, key) => sum + recorder.openWrites(key), 0);
  return { keys: keys.length, operations: recorder.count, open };
}
