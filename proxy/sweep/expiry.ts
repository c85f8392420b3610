/** Goes over the objects that are to expire, again and again, in one of the living processes. */
import type { ListingStart } from '#cluster/cluster.ts';
import { errorText } from '#common/errors.ts';
import type { Logger } from '#common/log/logger.ts';
import { type ExpireContext, expireObjects, type ExpiryFigures, nothingExpired } from './expire-objects.ts';
import { Pace } from './pace.ts';

export interface ExpiryContext extends ExpireContext {
  readonly log: Logger;
  /** From the end of a pass to the beginning of the next. */
  readonly intervalMs: number;
  /** Whether this process is the one that does it. */
  readonly isElected: () => Promise<boolean>;
}

export class Expiry {
  readonly #context: ExpiryContext;
  readonly #pace: Pace;
  #running: Promise<void> | undefined;
  /** Of the pass under way, or the last one. */
  #figures = nothingExpired();
  #passes = 0;

  constructor(context: ExpiryContext) {
    this.#context = context;
    this.#pace = new Pace(context.clock);
  }

  get status(): ExpiryFigures & { readonly passes: number } {
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

  /** Removes everything that is due, once. */
  async pass(figures: ExpiryFigures): Promise<void> {
    let start: ListingStart | undefined;
    do {
      const from: ListingStart | undefined = start;
      start = await this.#pace.throttled(() => expireObjects(this.#context, from, figures));
    } while (start !== undefined && !this.#pace.isStopped);
  }

  async #run(): Promise<void> {
    const { log, intervalMs } = this.#context;
    await this.#pace.pause(intervalMs);
    while (!this.#pace.isStopped) {
      try {
        await this.#passIfElected();
      } catch (error) {
        log.warn('a pass over expired objects was given up', { problem: errorText(error) });
      }
      await this.#pace.pause(intervalMs);
    }
  }

  async #passIfElected(): Promise<void> {
    const { log, clock, isElected } = this.#context;
    if (!(await isElected())) return;
    const startedMs = clock.monotonicMs();
    this.#figures = nothingExpired();
    await this.pass(this.#figures);
    this.#passes += 1;
    const did = this.#figures.due + this.#figures.failures > 0;
    log[did ? 'info' : 'debug']('expired', { ...this.#figures, tookMs: clock.monotonicMs() - startedMs });
  }
}
