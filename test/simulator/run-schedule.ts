/** Runs one schedule from its seed to its end, and judges what came of it. */
import { type Cores, realCores } from './cores.ts';
import { isLinearizable } from './linearizability.ts';
import type { Operation } from './operation.ts';
import { type Trace, noTrace } from './trace.ts';
import { Workload } from './workload.ts';
import { World } from './world.ts';

/** In the calm, every operation must have ended within so much simulated time. */
const CALM_MS_MAX = 15_000;

export interface Violation {
  readonly type: 'not linearizable' | 'not live';
  readonly key: string;
}

export interface Statistics {
  operations: number;
  /** Operations that ended with an outcome. */
  answered: number;
  /** Operations that may or may not have taken effect. */
  unknown: number;
  messages: number;
  messagesLost: number;
  syncs: number;
  replicaCrashes: number;
  proposerCrashes: number;
}

export interface ScheduleResult {
  readonly seed: number;
  readonly violation: Violation | undefined;
  readonly operations: readonly Operation[];
  readonly statistics: Statistics;
}

export function runSchedule(seed: number, cores: Cores = realCores, trace: Trace = noTrace): ScheduleResult {
  const world = new World(seed, cores, trace);
  const workload = new Workload(world, cores);
  const stuckKey = play(world, workload);
  const { operations } = workload;
  const wrongKey = firstWrongKey(operations);
  const violation = violationOf(wrongKey, stuckKey);
  return { seed, violation, operations, statistics: statisticsOf(world, operations) };
}

/** Lets everything happen. Returns the key of an operation that did not end in the calm. */
function play(world: World, workload: Workload): string | undefined {
  const endMs = world.shape.calmAtMs + CALM_MS_MAX;
  let finalBegun = false;
  while (world.timeline.nowMs < endMs) {
    if (world.isCalm && workload.open === 0) {
      if (finalBegun) return undefined;
      finalBegun = true;
      workload.beginFinal();
    }
    if (!world.timeline.step()) break;
  }
  return workload.operations.find((operation) => operation.answeredAt === undefined)?.key;
}

export function operationsByKey(operations: readonly Operation[]): Map<string, Operation[]> {
  const byKey = new Map<string, Operation[]>();
  for (const operation of operations) {
    const others = byKey.get(operation.key);
    if (others === undefined) byKey.set(operation.key, [operation]);
    else others.push(operation);
  }
  return byKey;
}

function firstWrongKey(operations: readonly Operation[]): string | undefined {
  for (const [key, ofKey] of operationsByKey(operations)) if (!isLinearizable(ofKey)) return key;
  return undefined;
}

function violationOf(wrongKey: string | undefined, stuckKey: string | undefined): Violation | undefined {
  if (wrongKey !== undefined) return { type: 'not linearizable', key: wrongKey };
  return stuckKey === undefined ? undefined : { type: 'not live', key: stuckKey };
}

function statisticsOf(world: World, operations: readonly Operation[]): Statistics {
  return {
    operations: operations.length,
    answered: operations.filter((operation) => operation.outcome !== undefined).length,
    unknown: operations.filter((operation) => operation.outcome === undefined && !operation.withoutEffect)
      .length,
    messages: world.network.carried,
    messagesLost: world.network.lost,
    syncs: world.replicas.reduce((sum, replica) => sum + replica.disk.syncs, 0),
    replicaCrashes: world.replicaCrashes,
    proposerCrashes: world.proposerCrashes,
  };
}
