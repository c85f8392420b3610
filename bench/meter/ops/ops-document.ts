/** What a run of operations is reported as. */
import type { OpsCrewResult } from '../crew/crew.ts';
import type { SelfCost } from '../crew/self-measure.ts';
import type { MeterDocument } from '../report/meter-document.ts';
import { mergedHistogram, type Percentiles, percentilesOf } from '../report/percentiles.ts';
import type { OperationName, OpsResult, OpsSecond } from './ops-order.ts';

export interface OperationRow {
  readonly operation: OperationName;
  readonly operations: number;
  readonly bytes: number;
  readonly operationsPerS: number;
  readonly mebibytesPerS: number;
  /** Closed loop: from the start; open loop and replay: from when it was due. */
  readonly latencyMs: Percentiles | null;
  readonly errors: number;
  readonly errorsByKind: Readonly<Record<string, { readonly count: number; readonly first: string }>>;
  readonly histogram: string;
}

export interface OpsRun {
  readonly run: number;
  readonly elapsedS: number;
  readonly ended: 'time' | 'steady' | 'stopped';
  readonly missed: number;
  readonly operations: readonly OperationRow[];
  readonly meter: Readonly<Record<string, SelfCost>>;
  readonly lostWorkers: Readonly<Record<string, string>>;
  readonly invalidReasons: readonly string[];
}

export interface OpsDocument extends MeterDocument {
  runs: OpsRun[];
  /** Of the last run. */
  seconds: OpsSecond[];
}

const CPU_SHARE_MAX = 0.9;
const UTILIZATION_MAX = 0.97;

export function opsRunOf({ results, lost }: OpsCrewResult, run: number): OpsRun {
  const all = Object.values(results);
  const elapsedS = Math.max(0, ...all.map(({ elapsedMs }) => elapsedMs)) / 1000;
  // Each worker's rate is by its own time.
  const tallies = Map.groupBy(
    all.flatMap((one) => one.tallies.map((tally) => ({ ...tally, seconds: one.elapsedMs / 1000 }))),
    ({ operation }) => operation,
  );
  const operations = [...tallies].map(([operation, same]): OperationRow => {
    const sum = (of: (one: (typeof same)[number]) => number): number =>
      same.reduce((total, one) => total + of(one), 0);
    const errorsByKind: Record<string, { count: number; first: string }> = {};
    for (const [kind, { count, first }] of same.flatMap((one) => Object.entries(one.errorsByKind)))
      errorsByKind[kind] = {
        count: (errorsByKind[kind]?.count ?? 0) + count,
        first: errorsByKind[kind]?.first ?? first,
      };
    const done = sum((one) => one.operations);
    const bytes = sum((one) => one.bytes);
    const perS = (of: (one: (typeof same)[number]) => number): number =>
      Number(sum((one) => (one.seconds === 0 ? 0 : of(one) / one.seconds)).toFixed(2));
    const encoded = same.map(({ latencies }) => latencies);
    return {
      operation,
      operations: done,
      bytes,
      operationsPerS: perS(({ inTime }) => inTime.operations),
      mebibytesPerS: perS(({ inTime }) => inTime.bytes / 2 ** 20),
      latencyMs: percentilesOf(encoded),
      errors: Object.values(errorsByKind).reduce((total, { count }) => total + count, 0),
      errorsByKind,
      histogram: mergedHistogram(encoded),
    };
  });
  return {
    run,
    elapsedS: Number(elapsedS.toFixed(3)),
    ended: all.some(({ stopped }) => stopped !== null)
      ? 'stopped'
      : all.every(({ steady }) => steady)
        ? 'steady'
        : 'time',
    missed: all.reduce((total, { missed }) => total + missed, 0),
    operations,
    meter: Object.fromEntries(Object.entries(results).map(([name, { self }]) => [name, self])),
    lostWorkers: lost,
    invalidReasons: [...(Object.keys(lost).length > 0 ? ['worker-lost'] : []), ...reasonsOf(all, operations)],
  };
}

function reasonsOf(all: readonly OpsResult[], operations: readonly OperationRow[]): string[] {
  const reasons: string[] = [];
  if (operations.every((row) => row.operations === 0)) reasons.push('nothing-measured');
  if (
    operations.some(({ errorsByKind }) =>
      Object.keys(errorsByKind).some((kind) => kind.endsWith('-mismatch')),
    )
  )
    reasons.push('content-failed');
  if (all.some(({ self }) => self.threadCpuShare >= CPU_SHARE_MAX)) reasons.push('meter-cpu');
  else if (all.some(({ self }) => self.utilization >= UTILIZATION_MAX)) reasons.push('meter-starved');
  return reasons;
}

export function mergedSeconds(results: readonly OpsResult[]): OpsSecond[] {
  const length = Math.max(0, ...results.map(({ seconds }) => seconds.length));
  return Array.from({ length }, (_, at) => {
    const found = results.flatMap(({ seconds }) => seconds[at] ?? []);
    const sum = (of: (second: OpsSecond) => number): number =>
      found.reduce((total, one) => total + of(one), 0);
    const heat: Record<number, number> = {};
    for (const [bucket, count] of found.flatMap((one) => Object.entries(one.heat)))
      heat[Number(bucket)] = (heat[Number(bucket)] ?? 0) + count;
    return {
      operations: sum((one) => one.operations),
      bytes: sum((one) => one.bytes),
      errors: sum((one) => one.errors),
      heat,
    };
  });
}
