/**
 * Takes away what nothing needs any more, device after device, in the background: stripes that a crash left, remains of uploads, and tombstones that
 * every member holds. A pass that a stop interrupts begins anew with the next start; all that it does can be done twice.
 */
import type { BlobId, DeviceId } from '#common/ids.ts';
import { errorText } from '#common/errors.ts';
import { sweepBlobs } from './blob-sweep.ts';
import { Pace } from './pace.ts';
import { sweepRows } from './row-sweep.ts';
import { type SweepContext, type SweepFigures, noFigures } from './sweep-context.ts';

export class Sweep {
  readonly #context: SweepContext;
  readonly #pace: Pace;
  #running: Promise<void> | undefined;
  /** Of the pass under way, or the last one. */
  #figures = noFigures();
  #passes = 0;

  constructor(context: SweepContext) {
    this.#context = context;
    this.#pace = new Pace(context.clock);
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
    this.#pace.stop();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { log, settings, clock } = this.#context;
    // Not all processes of a cluster, and not at once at the start.
    await this.#pace.pause(settings.intervalMs);
    while (!this.#pace.isStopped) {
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
      await this.#pace.pause(settings.intervalMs);
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
      if (this.#pace.isStopped) return;
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
    while (from !== undefined && !this.#pace.isStopped) {
      const at: Buffer = from;
      from = await this.#pace.throttled(() => sweepRows(this.#context, device, at, figures));
    }
  }

  async #sweepBlobs(device: DeviceId, figures: SweepFigures): Promise<void> {
    let after: BlobId | undefined;
    do {
      const at: BlobId | undefined = after;
      after = await this.#pace.throttled(() => sweepBlobs(this.#context, device, at, figures));
    } while (after !== undefined && !this.#pace.isStopped);
  }
}
