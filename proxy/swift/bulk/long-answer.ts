/**
 * The answer to what may take longer than a client waits: its head goes out after a while, with white space as a sign of life
 * from then on, and the report, which alone says how it went, at the end.
 */
import type { Clock, Timer } from '#common/io/clock.ts';
import type { Reply } from '../reply.ts';
import type { ReportType } from './bulk-report.ts';

const SIGN_OF_LIFE_MS = 10_000;

export interface LongAnswerOptions {
  readonly status: number;
  readonly type: ReportType;
  /** Whether the head goes out at once. */
  readonly begin?: boolean;
}

export class LongAnswer {
  readonly #reply: Reply;
  readonly #clock: Clock;
  readonly #options: LongAnswerOptions;
  #timer: Timer | undefined;

  constructor(reply: Reply, clock: Clock, options: LongAnswerOptions) {
    this.#reply = reply;
    this.#clock = clock;
    this.#options = options;
    if (options.begin === true) this.#breathe();
    else this.#arm();
  }

  /** Nothing more will be said: for an error that the dispatcher answers. */
  cancel(): void {
    this.#timer?.cancel();
  }

  finish(report: string): void {
    this.cancel();
    const { status, type } = this.#options;
    if (this.#reply.isBegun) this.#reply.response.end(`\r\n\r\n${report}`);
    else this.#reply.body(status, type, report);
  }

  #arm(): void {
    this.#timer = this.#clock.after(SIGN_OF_LIFE_MS, () => this.#breathe());
  }

  #breathe(): void {
    const { response } = this.#reply;
    if (response.destroyed) return;
    let sign = ' ';
    if (!this.#reply.isBegun) {
      const { status, type } = this.#options;
      this.#reply.head(status, ['Content-Type', type]);
      if (type.endsWith('/xml')) sign = '<?xml version="1.0" encoding="UTF-8"?>\n';
    }
    response.write(sign);
    this.#arm();
  }
}
