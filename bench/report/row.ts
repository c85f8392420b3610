/** Makes one row of the report out of what the workers and the kernel counted in one phase. */
import { LatencyHistogram } from '../load/latency-histogram.ts';
import type { GeneratorCost, Operation, PhaseResult } from '../load/phase.ts';
import type { CpuByServer, MachineCpu } from '../load/server-cpu.ts';
import type { Row, RowGenerator, RowMachine, RowServer } from './document.ts';
import { invalidReasons } from './validity.ts';

const MEBIBYTE = 2 ** 20;
const GIBIBYTE = 2 ** 30;

/** What is read of the process and the machine at the start and at the end of the measured time. */
export interface CpuSample {
  readonly generatorS: number;
  readonly servers: CpuByServer | undefined;
  readonly machine: MachineCpu | undefined;
}

export interface RowLabels {
  readonly operation: Operation;
  readonly sizeBytes: number;
  readonly concurrency: number;
  readonly repeat: number;
  readonly ratePerS: number | null;
  readonly rangeBytes: number | null;
  readonly multipartBytes: number | null;
}

function rounded(value: number, digits = 3): number {
  return Number(value.toFixed(digits));
}

function perUnit(amount: number, units: number, digits = 3): number | null {
  return units === 0 ? null : rounded(amount / units, digits);
}

function generatorOf(
  costs: readonly GeneratorCost[],
  cpuS: number,
  elapsedS: number,
  operations: number,
  bytes: number,
): RowGenerator {
  const sum = (of: (cost: GeneratorCost) => number): number =>
    costs.reduce((total, cost) => total + of(cost), 0);
  const most = (of: (cost: GeneratorCost) => number): number => Math.max(0, ...costs.map(of));
  return {
    cpuS: rounded(cpuS),
    cpuMicrosPerOperation: perUnit(cpuS * 1e6, operations, 1),
    cpuSPerGiB: perUnit(cpuS, bytes / GIBIBYTE),
    busiestCpuShare: elapsedS === 0 ? 0 : rounded(most((cost) => cost.cpuMs) / 1000 / elapsedS),
    busiestUtilization: rounded(most((cost) => cost.utilization)),
    loopLagMsP99: most((cost) => cost.loopLagMsP99),
    generatingMicrosPerOperation: perUnit(sum((cost) => cost.generatingMs) * 1000, operations, 1),
    checkingMicrosPerOperation: perUnit(sum((cost) => cost.checkingMs) * 1000, operations, 1),
    checkedBytes: sum((cost) => cost.checkedBytes),
    reconnects: sum((cost) => cost.reconnects),
  };
}

function serverOf(
  before: CpuByServer | undefined,
  after: CpuByServer | undefined,
  operations: number,
  bytes: number,
): RowServer | null {
  if (before === undefined || after === undefined) return null;
  const cpuSByProcess: Record<string, number> = {};
  for (const [name, seconds] of Object.entries(after))
    cpuSByProcess[name] = rounded(Math.max(0, seconds - (before[name] ?? 0)), 2);
  const cpuS = Object.values(cpuSByProcess).reduce((total, seconds) => total + seconds, 0);
  return {
    cpuS: rounded(cpuS, 2),
    cpuMsPerOperation: perUnit(cpuS * 1000, operations, 4),
    cpuSPerGiB: perUnit(cpuS, bytes / GIBIBYTE),
    cpuSByProcess,
  };
}

function machineOf(
  before: CpuSample,
  after: CpuSample,
  spanS: number,
  server: RowServer | null,
): RowMachine | null {
  if (before.machine === undefined || after.machine === undefined || spanS === 0) return null;
  const percent = (seconds: number): number => Math.max(0, Math.round((seconds / spanS) * 100));
  const busyS = after.machine.busyS - before.machine.busyS;
  const generatorS = after.generatorS - before.generatorS;
  return {
    busyPercent: percent(busyS),
    otherPercent: server === null ? null : percent(busyS - generatorS - server.cpuS),
    ioWaitPercent: percent(after.machine.ioWaitS - before.machine.ioWaitS),
    stealPercent: percent(after.machine.stealS - before.machine.stealS),
  };
}

function countErrors(results: readonly PhaseResult[]): Pick<Row, 'errors' | 'errorsByKind'> {
  const errorsByKind: Record<string, { count: number; first: string }> = {};
  let errors = 0;
  for (const { kind, count, first } of results.flatMap((result) => result.failures)) {
    errors += count;
    const known = errorsByKind[kind];
    errorsByKind[kind] = { count: (known?.count ?? 0) + count, first: known?.first ?? first };
  }
  return { errors, errorsByKind };
}

/** @param interrupted whether the phase ended before its time. */
export function makeRow(
  labels: RowLabels,
  results: readonly PhaseResult[],
  before: CpuSample,
  after: CpuSample,
  interrupted: boolean,
): Row {
  const sum = (of: (result: PhaseResult) => number): number =>
    results.reduce((total, result) => total + of(result), 0);
  const latencies = new LatencyHistogram();
  const scheduleLags = new LatencyHistogram();
  for (const result of results) {
    latencies.addEncoded(result.latencies);
    scheduleLags.addEncoded(result.scheduleLags);
  }
  const fromMs = Math.min(...results.map((result) => result.measuredFromMs));
  const elapsedS = Math.max(0, Math.max(...results.map((result) => result.measuredToMs)) - fromMs) / 1000;
  const operations = sum((result) => result.operations);
  const bytes = sum((result) => result.bytes);
  const rate = (amount: number): number => (elapsedS === 0 ? 0 : amount / elapsedS);
  const generatorS = after.generatorS - before.generatorS;
  const server = serverOf(before.servers, after.servers, operations, bytes);
  const figures = {
    ...labels,
    operations,
    bytes,
    elapsedS: rounded(elapsedS),
    operationsPerS: rounded(rate(operations), 1),
    mebibytesPerS: rounded(rate(bytes) / MEBIBYTE, 2),
    keysPerS: labels.operation === 'list' ? Math.round(rate(sum((result) => result.keys))) : null,
    latencyMs: latencies.summary(),
    ...countErrors(results),
    missed: sum((result) => result.missed),
    scheduleLagMs:
      labels.ratePerS === null
        ? null
        : { p50: scheduleLags.percentileMs(50), p99: scheduleLags.percentileMs(99) },
    generator: generatorOf(
      results.map((result) => result.generator),
      generatorS,
      elapsedS,
      operations,
      bytes,
    ),
    server,
    machine: machineOf(before, after, elapsedS, server),
  };
  const reasons = [...(interrupted ? ['interrupted'] : []), ...invalidReasons(figures)];
  return { ...figures, valid: reasons.length === 0, invalidReasons: reasons, histogram: latencies.encode() };
}
