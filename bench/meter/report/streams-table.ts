/** What a person reads when streams have run. */
import { textTable } from '../../report/text-table.ts';
import { formatFigure } from '../../load/units.ts';
import { failureNotes, type RunFigures, type StreamsDocument } from '../streams/streams-document.ts';
import type { StreamRow } from '../streams/tally.ts';

const ROWS_MAX = 12;

function figure(value: number | null | undefined): string {
  return value === null || value === undefined ? '-' : formatFigure(value);
}

function notes(run: RunFigures): string {
  const parts = run.valid ? [] : [`NOT VALID: ${run.invalidReasons.join(' ')}`];
  parts.push(...failureNotes(run));
  for (const [name, why] of Object.entries(run.lostWorkers)) parts.push(`${name} lost: ${why}`);
  return parts.join(', ');
}

export function runsTable(runs: readonly RunFigures[]): string {
  const lines = runs.map((run) => {
    const latency = run.latencyMs ?? run.recordLatencyMs;
    return [
      String(run.run),
      String(run.streams),
      String(run.framesTotal),
      String(run.framesLate),
      String(run.framesDropped),
      figure(run.mebibytesPerS),
      figure(run.firstFrameMsMax),
      figure(latency?.p50),
      figure(latency?.p99),
      figure(latency?.p9999),
      figure(run.worstFrameMs),
      run.bufferLowWaterFrames === null ? '-' : String(run.bufferLowWaterFrames),
      notes(run),
    ];
  });
  const header = [
    'run',
    'streams',
    'frames',
    'late',
    'dropped',
    'MiB/s',
    'first ms',
    'p50',
    'p99',
    'p99.99',
    'worst',
    'low water',
    '',
  ];
  return textTable(header, lines);
}

function rowLine(row: StreamRow): string[] {
  return [
    String(row.stream),
    row.pattern,
    String(row.framesTotal),
    String(row.framesLate),
    String(row.framesDropped),
    figure(row.latencyMsP99),
    figure(row.worstFrameMs),
    row.lateAtS.slice(0, 5).join(' '),
    row.failure ?? '',
  ];
}

/** The streams that were worst, when any was late. */
export function lateStreamsTable(rows: readonly StreamRow[]): string {
  const late = rows
    .filter(({ framesLate }) => framesLate > 0)
    .toSorted((a, b) => b.framesLate - a.framesLate);
  if (late.length === 0) return '';
  const header = ['stream', 'pattern', 'frames', 'late', 'dropped', 'p99', 'worst', 'late at s', 'failure'];
  const more =
    late.length > ROWS_MAX ? `… and ${late.length - ROWS_MAX} more streams with late frames\n` : '';
  return `\n${textTable(header, late.slice(0, ROWS_MAX).map(rowLine))}${more}`;
}

/** The one sentence. */
export function verdict(document: StreamsDocument, codec: string, seconds: number): string {
  const { streams, framesTotal, framesLate, framesDropped, valid, target } = document;
  const what = `${streams} streams of ${codec} for ${seconds} s`;
  const outcome =
    framesLate === 0
      ? `${what}: 0 late of ${framesTotal} frames`
      : `${what}: ${framesLate} late of ${framesTotal} frames, ${framesDropped} of them dropped`;
  const doubt = valid
    ? ''
    : ` (NOT VALID: ${document.invalidReasons.join(' ') || (document.stopped ?? 'not complete')})`;
  const where = target === null ? '' : `${target.protocol}: ${target.caches}; ${target.durability}.\n`;
  return `${outcome}${doubt}\n${where}`;
}
