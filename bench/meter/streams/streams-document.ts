/** What a run of streams is reported as. */
import type { CrewResult } from '../crew/crew.ts';
import type { SelfCost } from '../crew/self-measure.ts';
import type { MeterDocument } from '../report/meter-document.ts';
import { mergedHistogram, type Percentiles, percentilesOf } from '../report/percentiles.ts';
import type { Second, StreamRow } from './tally.ts';

/** What one repeat gave: what `meter compare` takes a mean and an interval of. */
export interface RunFigures {
  readonly run: number;
  readonly startedAt: string;
  readonly streams: number;
  readonly framesTotal: number;
  readonly framesLate: number;
  readonly framesDropped: number;
  readonly worstFrameMs: number;
  readonly worstLatenessMs: number;
  readonly firstFrameMsMax: number | null;
  readonly bufferLowWaterFrames: number | null;
  readonly bytes: number;
  readonly mebibytesPerS: number;
  /** From when a frame was asked for by the plan to when it was there. */
  readonly latencyMs: Percentiles | null;
  /** From when a frame's request could be made to when it was stored. */
  readonly recordLatencyMs: Percentiles | null;
  readonly failuresByKind: Readonly<Record<string, { readonly count: number; readonly first: string }>>;
  readonly meter: MeterCost;
  readonly lostWorkers: Readonly<Record<string, string>>;
  readonly stopped: string | null;
  readonly valid: boolean;
  readonly invalidReasons: readonly string[];
}

export interface MeterCost {
  readonly byWorker: Readonly<Record<string, SelfCost>>;
  readonly cpuS: number;
  /** Of all that was generated or compared. */
  readonly cpuSPerGiB: number | null;
  readonly units: number;
  /** Requests that the meter itself made more than a frame too late. */
  readonly unitsMissed: number;
  readonly sendLagMsP99: number;
}

export type ReportedRow = StreamRow & { readonly run: number };

export interface StreamsDocument extends MeterDocument {
  streams: number;
  framesTotal: number;
  framesLate: number;
  framesDropped: number;
  worstFrameMs: number;
  runs: RunFigures[];
  rows: ReportedRow[];
  /** Of the last run. */
  seconds: Second[];
  /** HdrHistogram of microseconds, compressed V2 encoding, base64: of all frames of all runs. */
  histogram: string;
}

const GIBIBYTE = 2 ** 30;
const CPU_SHARE_MAX = 0.9;
const UTILIZATION_MAX = 0.97;
/** Requests that the meter made too late, beyond which the load was not what it is said to be. */
const MISSED_SHARE_MAX = 0.01;

/** What was written came back otherwise, or was not there any more. */
const NOT_AS_WRITTEN = /^(content-mismatch|length-mismatch|not-found|http-404( NoSuchKey)?)$/;

function costOf({ tally, self }: CrewResult): MeterCost {
  const all = Object.values(self);
  const cpuS = all.reduce((sum, one) => sum + one.cpuS, 0);
  const bytes = all.reduce((sum, one) => sum + one.generatedBytes + one.verifiedBytes, 0);
  return {
    byWorker: self,
    cpuS: Number(cpuS.toFixed(3)),
    cpuSPerGiB: bytes === 0 ? null : Number(((cpuS * GIBIBYTE) / bytes).toFixed(3)),
    units: tally.units,
    unitsMissed: tally.unitsMissed,
    sendLagMsP99: tally.sendLagMsP99,
  };
}

/** Why a run says nothing of the storage: the meter was in the way, or it was cut short. */
export function invalidReasonsOf(result: CrewResult): string[] {
  const { tally, self, lost, stopped } = result;
  const all = Object.values(self);
  const reasons: string[] = [];
  if (stopped === 'interrupted') reasons.push('interrupted');
  if (Object.keys(lost).length > 0) reasons.push('worker-lost');
  if (tally.rows.every(({ framesTotal }) => framesTotal === 0)) reasons.push('nothing-measured');
  else if (nothingCame(result)) reasons.push('nothing-delivered');
  if (Object.keys(tally.failuresByKind).some((kind) => NOT_AS_WRITTEN.test(kind)))
    reasons.push('content-failed');
  // Where frames were late one busy second may be why, and a search's step ends soon after it.
  const late = tally.rows.some(({ framesLate }) => framesLate > 0);
  const cpuShares = all.map((self) => (late ? self.threadCpuShareMax : self.threadCpuShare));
  const utilizations = all.map((self) => (late ? self.utilizationMax : self.utilization));
  if (cpuShares.some((share) => share >= CPU_SHARE_MAX)) reasons.push('meter-cpu');
  else if (utilizations.some((share) => share >= UTILIZATION_MAX)) reasons.push('meter-starved');
  if (tally.unitsMissed > tally.units * MISSED_SHARE_MAX) reasons.push('meter-late');
  return reasons;
}

/** The storage refused whatever was asked of it, in the warm-up too. */
function nothingCame({ tally }: CrewResult): boolean {
  const failures = Object.values(tally.failuresByKind).reduce((sum, { count }) => sum + count, 0);
  return failures > 0 && tally.rows.every(({ bytes, firstFrameMs }) => bytes === 0 && firstFrameMs === null);
}

/** `3 × http-503`: what failed, and how often. */
export function failureNotes({ failuresByKind }: RunFigures): string[] {
  return Object.entries(failuresByKind).map(([kind, { count }]) => `${count} × ${kind}`);
}

export function figuresOf(result: CrewResult, run: number, seconds: number): RunFigures {
  const { tally } = result;
  const { rows } = tally;
  const sum = (of: (row: StreamRow) => number): number => rows.reduce((total, row) => total + of(row), 0);
  const most = (of: (row: StreamRow) => number): number => Math.max(0, ...rows.map(of));
  const first = rows.flatMap(({ firstFrameMs }) => firstFrameMs ?? []);
  const lowest = rows.flatMap(({ bufferLowWaterFrames }) => bufferLowWaterFrames ?? []);
  const bytes = sum((row) => row.bytes);
  const reasons = invalidReasonsOf(result);
  return {
    run,
    startedAt: result.startedAt,
    streams: rows.length,
    framesTotal: sum((row) => row.framesTotal),
    framesLate: sum((row) => row.framesLate),
    framesDropped: sum((row) => row.framesDropped),
    worstFrameMs: most((row) => row.worstFrameMs),
    worstLatenessMs: most((row) => row.worstLatenessMs),
    firstFrameMsMax: first.length === 0 ? null : Math.max(...first),
    bufferLowWaterFrames: lowest.length === 0 ? null : Math.min(...lowest),
    bytes,
    mebibytesPerS: seconds === 0 ? 0 : Number((bytes / seconds / 2 ** 20).toFixed(2)),
    latencyMs: percentilesOf([tally.readLatencies]),
    recordLatencyMs: percentilesOf([tally.recordLatencies]),
    failuresByKind: tally.failuresByKind,
    meter: costOf(result),
    lostWorkers: result.lost,
    stopped: result.stopped,
    valid: reasons.length === 0,
    invalidReasons: reasons,
  };
}

/** Adds a run to the document, and brings what stands at its head up to date. */
export function addRun(document: StreamsDocument, figures: RunFigures, result: CrewResult): void {
  document.runs.push(figures);
  document.rows.push(...result.tally.rows.map((row) => ({ run: figures.run, ...row })));
  document.seconds = result.tally.seconds;
  document.histogram = mergedHistogram([
    document.histogram,
    result.tally.readLatencies,
    result.tally.recordLatencies,
  ]);
  document.streams = figures.streams;
  document.framesTotal += figures.framesTotal;
  document.framesLate += figures.framesLate;
  document.framesDropped += figures.framesDropped;
  document.worstFrameMs = Math.max(document.worstFrameMs, figures.worstFrameMs);
  document.invalidReasons = [...new Set([...document.invalidReasons, ...figures.invalidReasons])];
}

export const NO_STREAMS = {
  streams: 0,
  framesTotal: 0,
  framesLate: 0,
  framesDropped: 0,
  worstFrameMs: 0,
  seconds: [],
} as const;
