/** The one line that lives while a run does. */
import type { TextSink } from '#common/command-line.ts';
import type { LiveFigures } from '../load/measurement.ts';
import { formatBytes, formatFigure } from '../load/units.ts';

const COLUMNS_DEFAULT = 100;

export interface ProgressLabel {
  readonly activity: string;
  readonly sizeBytes: number;
  readonly concurrency: number;
  /** Milliseconds of the whole run that are still to come; undefined when that is not known. */
  readonly leftMs: number | undefined;
}

export function progressText(
  label: ProgressLabel,
  figures: readonly LiveFigures[],
  operationsPerS: number,
): string {
  const latencyMsP99 = Math.max(0, ...figures.map((one) => one.latencyMsP99));
  const failures = figures.reduce((sum, one) => sum + one.failures, 0);
  const left = label.leftMs === undefined ? '' : `, ${Math.ceil(label.leftMs / 1000)} s left`;
  return (
    `${label.activity} ${formatBytes(label.sizeBytes)} × ${label.concurrency}: ${formatFigure(operationsPerS)} op/s, ` +
    `p99 ${formatFigure(latencyMsP99)} ms, ${failures} errors${left}`
  );
}

/** Draws on a terminal; on anything else it writes nothing. */
export class ProgressLine {
  readonly #sink: TextSink;
  #operations = 0;
  #atMs = 0;

  constructor(sink: TextSink) {
    this.#sink = sink;
  }

  get enabled(): boolean {
    return this.#sink.isTTY === true;
  }

  /** Begins a phase: rates count from here. */
  begin(label: ProgressLabel): void {
    this.#operations = 0;
    this.#atMs = performance.now();
    this.#draw(`${label.activity} ${formatBytes(label.sizeBytes)} × ${label.concurrency}`);
  }

  update(label: ProgressLabel, figures: readonly LiveFigures[]): void {
    const operations = figures.reduce((sum, one) => sum + one.operations, 0);
    const nowMs = performance.now();
    const spanS = (nowMs - this.#atMs) / 1000;
    // Workers report one after the other: the rate is taken over a span that holds all of them.
    if (spanS < 0.4) return;
    this.#draw(progressText(label, figures, Math.max(0, operations - this.#operations) / spanS));
    this.#operations = operations;
    this.#atMs = nowMs;
  }

  clear(): void {
    this.#draw('');
  }

  #draw(text: string): void {
    if (!this.enabled) return;
    const width = (this.#sink.columns ?? COLUMNS_DEFAULT) - 1;
    this.#sink.write(`\r\u001b[K${text.slice(0, width)}`);
  }
}
