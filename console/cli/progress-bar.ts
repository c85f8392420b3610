/** A bar that lives while something of a known size is done. On anything but a terminal it writes nothing. */
import type { TextSink } from '#common/command-line.ts';

const BAR_CHARACTERS = 30;
const COLUMNS_DEFAULT = 80;
/** As often as anybody sees. */
const DRAW_EVERY_MS = 50;

export function progressBarText(what: string, done: number, total: number): string {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const full = Math.round(share * BAR_CHARACTERS);
  const bar = '█'.repeat(full) + '░'.repeat(BAR_CHARACTERS - full);
  return `${what} ${bar} ${String(Math.floor(share * 100)).padStart(3)} %  ${done} of ${total}`;
}

export class ProgressBar {
  readonly #sink: TextSink;
  #drawnMs = Number.NEGATIVE_INFINITY;
  #isDrawn = false;

  constructor(sink: TextSink) {
    this.#sink = sink;
  }

  draw(what: string, done: number, total: number): void {
    const nowMs = performance.now();
    if (this.#sink.isTTY !== true || (nowMs - this.#drawnMs < DRAW_EVERY_MS && done < total)) return;
    this.#drawnMs = nowMs;
    this.#isDrawn = true;
    const width = (this.#sink.columns ?? COLUMNS_DEFAULT) - 1;
    this.#sink.write(`\r\u001b[K${progressBarText(what, done, total).slice(0, width)}`);
  }

  clear(): void {
    if (this.#isDrawn) this.#sink.write('\r\u001b[K');
    this.#isDrawn = false;
  }
}
