/**
 * Takes away what nothing needs any more, device after device, in the background: stripes that a crash left, remains of uploads, and tombstones that
 * every member holds. A pass that a stop interrupts begins anew with the next start; all that it does can be done twice.
 */
import type { Timer } from '#common/io/clock.ts';
import type { BlobId, DeviceId } from '#common/ids.ts';
import { errorText } from '#common/errors.ts';
import { sweepBlobs } from './blob-sweep.ts';
import { sweepRows } from './row-sweep.ts';
import { type SweepContext, type SweepFigures, noFigures } from './sweep-context.ts';

/** After a page of work, rest this many times as long: a fifth of the time at most goes to the sweep. */
const REST_FACTOR = 4;
const REST_MS_MAX = 5000;

export class Sweep {
  readonly #context: SweepContext;
  readonly #stop = new AbortController();
  #wait: { readonly timer: Timer; readonly resolve: () => void } | undefined;
  #running: Promise<void> | undefined;
  /** Of the pass under way, or the last one. */
  #figures = noFigures();
  #passes = 0;

  constructor(context: SweepContext) {
    this.#context = context;
  }

  get status(): SweepFigures & { readonly passes: number } {
    return { passes: this.#passes, ...this.#figures };
  }

  start(): void {
    this.#context.upkeep.start();
    this.#running ??= this.#run();
  }

  /** Resolves when nothing of it is under way. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#wait?.timer.cancel();
    this.#wait?.resolve();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { log, settings, clock } = this.#context;
    // Not all processes of a cluster, and not at once at the start.
    await this.#pause(settings.intervalMs);
    while (!this.#stop.signal.aborted) {
      const startedMs = clock.monotonicMs();
      this.#figures = noFigures();
      try {
        await this.pass(this.#figures);
        this.#passes += 1;
        const did = this.#figures.sweptBlobs + this.#figures.reclaimedTombstones + this.#figures.failures > 0;
        log[did ? 'info' : 'debug']('swept', { ...this.#figures, tookMs: clock.monotonicMs() - startedMs });
      } catch (error) {
        log.warn('a pass of the sweep was given up', { problem: errorText(error) });
      }
      await this.#pause(settings.intervalMs);
    }
  }

  /**
   * Twice over every device; one that does not answer is left to the next pass. All rows go before all stripes, because it is a part's stripe that tells
   * which upload it was for.
   */
  async pass(figures: SweepFigures): Promise<void> {
    // Rows are one process's business.
    const { isFirst } = await this.#context.upkeep.livingWriters();
    if (isFirst) await this.#eachDevice(figures, (device) => this.#sweepRows(device, figures));
    await this.#eachDevice(figures, (device) => this.#sweepBlobs(device, figures));
  }

  async #eachDevice(figures: SweepFigures, run: (device: DeviceId) => Promise<void>): Promise<void> {
    for (const device of this.#context.upkeep.devices) {
      if (this.#stop.signal.aborted) return;
      try {
        await run(device);
      } catch (error) {
        figures.failures += 1;
        this.#context.log.debug('a device was not swept', { device, problem: errorText(error) });
      }
    }
  }

  async #sweepRows(device: DeviceId, figures: SweepFigures): Promise<void> {
    let from: Buffer | undefined = Buffer.alloc(0);
    while (from !== undefined && !this.#stop.signal.aborted) {
      const at: Buffer = from;
      from = await this.#throttled(() => sweepRows(this.#context, device, at, figures));
    }
  }

  async #sweepBlobs(device: DeviceId, figures: SweepFigures): Promise<void> {
    let after: BlobId | undefined;
    do {
      const at: BlobId | undefined = after;
      after = await this.#throttled(() => sweepBlobs(this.#context, device, at, figures));
    } while (after !== undefined && !this.#stop.signal.aborted);
  }

  async #throttled<Result>(work: () => Promise<Result>): Promise<Result> {
    const { clock } = this.#context;
    const startedMs = clock.monotonicMs();
    const result = await work();
    await this.#pause(Math.min(REST_MS_MAX, (clock.monotonicMs() - startedMs) * REST_FACTOR));
    return result;
  }

  #pause(durationMs: number): Promise<void> {
    if (this.#stop.signal.aborted || durationMs <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wait = { timer: this.#context.clock.after(durationMs, resolve), resolve };
    });
  }
}
