/** What lives on the terminal while streams run: how many, at what rate, what came late, and how the latencies lie. */
import type { TextSink } from '#common/command-line.ts';
import { formatFigure } from '../../load/units.ts';
import { HEAT_BUCKETS, heatBucketMs, type LiveStreamFigures } from '../streams/tally.ts';

const BARS = ' ▁▂▃▄▅▆▇█';
const ESCAPE = '\u001b[';

/** Latencies of the latest second as bars, from the first bucket that has some to the last. */
export function heatLine(heat: Readonly<Record<number, number>>, columns: number): string {
  const counts = Array.from({ length: HEAT_BUCKETS }, (_, bucket) => heat[bucket] ?? 0);
  const first = counts.findIndex((count) => count > 0);
  if (first < 0) return '';
  const last = counts.findLastIndex((count) => count > 0);
  const most = Math.max(...counts);
  const bars = counts
    .slice(first, Math.min(last + 1, first + columns - 40))
    .map((count) => BARS[count === 0 ? 0 : 1 + Math.floor((7 * Math.log(count)) / Math.log(most + 1))])
    .join('');
  return `${formatFigure(heatBucketMs(first))} ms │${bars}│ ${formatFigure(heatBucketMs(last + 1))} ms`;
}

export class LiveView {
  readonly #sink: TextSink;
  #lines = 0;
  #activity = '';
  #bytes = 0;
  #atMs = 0;
  #mebibytesPerS = 0;

  constructor(sink: TextSink) {
    this.#sink = sink;
  }

  get enabled(): boolean {
    return this.#sink.isTTY === true;
  }

  activity(text: string): void {
    this.#activity = text;
    this.#bytes = 0;
    this.#atMs = performance.now();
    this.#mebibytesPerS = 0;
    this.#draw([text]);
  }

  written(bytes: number): void {
    this.#draw([`${this.#activity}: ${(bytes / 2 ** 20).toFixed(0)} MiB written`]);
  }

  figures(figures: LiveStreamFigures): void {
    const nowMs = performance.now();
    const spanMs = nowMs - this.#atMs;
    if (spanMs >= 1000) {
      this.#mebibytesPerS = (figures.bytes - this.#bytes) / 2 ** 20 / (spanMs / 1000);
      this.#bytes = figures.bytes;
      this.#atMs = nowMs;
    }
    this.#draw([
      `${this.#activity}: ${formatFigure(this.#mebibytesPerS)} MiB/s, ${figures.framesTotal} frames, ` +
        `${figures.framesLate} late, ${figures.framesDropped} dropped, p99 ${formatFigure(figures.latencyMsP99)} ms`,
      heatLine(figures.heat, this.#sink.columns ?? 100),
    ]);
  }

  clear(): void {
    if (this.enabled) this.#sink.write(this.#back());
    this.#lines = 0;
  }

  #back(): string {
    return this.#lines === 0 ? '' : `${ESCAPE}${this.#lines}A${ESCAPE}0J`;
  }

  #draw(lines: readonly string[]): void {
    if (!this.enabled) return;
    const columns = (this.#sink.columns ?? 100) - 1;
    const shown = lines.map((line) => `${line.slice(0, columns)}\n`);
    this.#sink.write(this.#back() + shown.join(''));
    this.#lines = shown.length;
  }
}
