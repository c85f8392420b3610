/** Background work that one of the living processes does, again and again. */
import { errorText } from '#common/errors.ts';
import type { Clock } from '#common/io/clock.ts';
import type { Logger } from '#common/log/logger.ts';
import { Pace } from './pace.ts';

export interface ElectedWork<Figures> {
  /** What the log calls a pass that has ended. */
  readonly name: string;
  readonly none: () => Figures;
  /** Does all there is to do, once; it counts in `figures` what it does, and ends early when `pace` is stopped. */
  readonly run: (figures: Figures, pace: Pace) => Promise<void>;
}

export interface ElectedContext {
  readonly clock: Clock;
  readonly log: Logger;
  /** From the start to the first pass. */
  readonly firstMs: number;
  /** From the end of a pass to the beginning of the next. */
  readonly intervalMs: number;
  /** Whether this process is the one that does it. */
  readonly isElected: () => Promise<boolean>;
}

export class ElectedPass<Figures extends Readonly<Record<keyof Figures, number>>> {
  readonly #work: ElectedWork<Figures>;
  readonly #context: ElectedContext;
  readonly #pace: Pace;
  #running: Promise<void> | undefined;
  /** Of the pass under way, or the last one. */
  #figures: Figures;
  #passes = 0;

  constructor(work: ElectedWork<Figures>, context: ElectedContext) {
    this.#work = work;
    this.#context = context;
    this.#pace = new Pace(context.clock);
    this.#figures = work.none();
  }

  get status(): Figures & { readonly passes: number } {
    return { passes: this.#passes, ...this.#figures };
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Resolves when nothing of it is under way. */
  async close(): Promise<void> {
    this.#pace.stop();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { log, firstMs, intervalMs } = this.#context;
    const { name } = this.#work;
    await this.#pace.pause(firstMs);
    while (!this.#pace.isStopped) {
      try {
        await this.passIfElected();
      } catch (error) {
        log.warn('a pass was given up', { pass: name, problem: errorText(error) });
      }
      await this.#pace.pause(intervalMs);
    }
  }

  async passIfElected(): Promise<void> {
    const { log, clock, isElected } = this.#context;
    if (!(await isElected())) return;
    const startedMs = clock.monotonicMs();
    const figures = this.#work.none();
    this.#figures = figures;
    await this.#work.run(figures, this.#pace);
    this.#passes += 1;
    const did = Object.values<number>(figures).some((count) => count > 0);
    log[did ? 'info' : 'debug'](this.#work.name, { ...figures, tookMs: clock.monotonicMs() - startedMs });
  }
}
