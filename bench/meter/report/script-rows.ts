/** What the steps of a script found, a row each; of a search a row for the healthy storage and one for each fault. */
import { measuredBy, type ScriptDocument, type ScriptStepReport } from '../agents/script-document.ts';
import type { ClassicDocument } from '../classic/classic-document.ts';
import type { SelfCost } from '../crew/self-measure.ts';
import type { OpsDocument } from '../ops/ops-document.ts';
import { faultName } from '../search/fault.ts';
import type { PhaseAnswer, SearchDocument } from '../search/search-document.ts';
import type { RunFigures, StreamsDocument } from '../streams/streams-document.ts';

export interface ScriptRow {
  readonly step: string;
  readonly place: readonly string[];
  readonly mode: string;
  /** What was done to the storage meanwhile; `''` for nothing. */
  readonly fault: string;
  readonly streams: number | null;
  readonly framesLate: number | null;
  readonly mebibytesPerS: number | null;
  readonly latencyMsP99: number | null;
  readonly worstFrameMs: number | null;
  /** Of one core, by the meter's busiest thread. */
  readonly meterShare: number | null;
  /** `valid`, or why it is not. */
  readonly validity: string;
  readonly notes: string;
}

type Frame = Pick<ScriptRow, 'step' | 'place' | 'mode'>;

const NO_FIGURES = {
  fault: '',
  streams: null,
  framesLate: null,
  mebibytesPerS: null,
  latencyMsP99: null,
  worstFrameMs: null,
  meterShare: null,
  notes: '',
} as const;

function busiest(self: Readonly<Record<string, SelfCost>>): number {
  return Math.max(0, ...Object.values(self).map(({ threadCpuShare }) => threadCpuShare));
}

function validityOf(reasons: readonly string[], stopped: string | null): string {
  if (reasons.length > 0) return `not valid: ${reasons.join(' ')}`;
  return stopped === null ? 'valid' : `not complete: ${stopped}`;
}

function runFigures(run: RunFigures | undefined) {
  if (run === undefined) return {};
  const latency = run.latencyMs ?? run.recordLatencyMs;
  return {
    framesLate: run.framesLate,
    mebibytesPerS: run.mebibytesPerS,
    latencyMsP99: latency?.p99 ?? null,
    worstFrameMs: run.worstFrameMs,
    meterShare: busiest(run.meter.byWorker),
  };
}

function streamsRow(frame: Frame, document: StreamsDocument): ScriptRow {
  const { streams, framesLate, worstFrameMs } = document;
  const figures = { ...runFigures(document.runs.at(-1)), streams, framesLate, worstFrameMs };
  const validity = validityOf(document.invalidReasons, document.stopped);
  return { ...frame, ...NO_FIGURES, ...figures, validity };
}

function searchRows(frame: Frame, document: SearchDocument): ScriptRow[] {
  const row = (answer: PhaseAnswer | null, fault: string): ScriptRow => {
    const run = document.steps.find((step) => step.run === answer?.confirmedBy);
    const confirmed = run !== undefined || (answer?.invalidReasons.length === 0 && answer.streams === 0);
    const streams = confirmed ? (answer?.streams ?? null) : null;
    const validity = validityOf(answer?.invalidReasons ?? [], answer === null ? document.stopped : null);
    const limit =
      answer === null || answer.limitedBy === 'late frames' || answer.limitedBy === 'the fault'
        ? ''
        : `at least: ${answer.limitedBy}`;
    // With a fault, what a healthy storage sustains is the most that was tried.
    const notes = fault !== '' && answer?.limitedBy === 'the bound' ? '' : limit;
    return { ...frame, ...NO_FIGURES, ...runFigures(run), streams, fault, validity, notes };
  };
  return [
    row(document.healthy, ''),
    ...document.faults.map((answer) => row(answer, faultName(answer.command))),
  ];
}

function opsRow(frame: Frame, document: OpsDocument): ScriptRow {
  const run = document.runs.at(-1);
  const sum = (of: (row: OpsDocument['runs'][number]['operations'][number]) => number): number =>
    run?.operations.reduce((total, one) => total + of(one), 0) ?? 0;
  const errors = sum((one) => one.errors);
  return {
    ...frame,
    ...NO_FIGURES,
    mebibytesPerS: sum((one) => one.mebibytesPerS),
    latencyMsP99: Math.max(0, ...(run?.operations.map(({ latencyMs }) => latencyMs?.p99 ?? 0) ?? [])),
    meterShare: busiest(run?.meter ?? {}),
    validity: validityOf(document.invalidReasons, document.stopped),
    notes: `${sum((one) => one.operationsPerS).toFixed(0)} op/s${errors === 0 ? '' : `, ${errors} errors`}`,
  };
}

function classicRow(frame: Frame, document: ClassicDocument): ScriptRow {
  const all = document.cells.find(({ mode, blockBytes }) => mode === null && blockBytes === null);
  return {
    ...frame,
    ...NO_FIGURES,
    mebibytesPerS: all === undefined ? null : ((all.megabytesPerS ?? 0) * 1e6) / 2 ** 20,
    latencyMsP99: all?.ioMs?.p99 ?? null,
    meterShare: document.meterShare,
    validity: validityOf(document.invalidReasons, document.stopped),
    notes: `${document.accesses} accesses`,
  };
}

function rowsOf(report: ScriptStepReport): ScriptRow[] {
  const { name, kind, place, result } = report;
  const frame = { step: name, place, mode: kind };
  const measured = measuredBy(report);
  if (measured === undefined) {
    const exit = result !== null && 'exitCode' in result ? `exit code ${result.exitCode ?? '-'}` : '';
    return [{ ...frame, ...NO_FIGURES, validity: '', notes: exit }];
  }
  if ('faults' in measured) return searchRows(frame, measured);
  if ('cells' in measured) return [classicRow(frame, measured)];
  return ['rows' in measured ? streamsRow(frame, measured) : opsRow(frame, measured)];
}

export function scriptRows(document: ScriptDocument): ScriptRow[] {
  return document.steps.flatMap(rowsOf);
}
