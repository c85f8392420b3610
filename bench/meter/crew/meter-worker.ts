/** One process's part of a measurement: opens the target, writes what will be read, and runs its share. */
import { writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { inParallel } from '#common/in-parallel.ts';
import { realClock } from '#common/io/real-clock.ts';
import type { OpsOrder, OpsResult } from '../ops/ops-order.ts';
import { OpsRunner } from '../ops/run-ops.ts';
import type { Format } from '../codecs/codec.ts';
import { clipOf, runStreams, type StreamsResult } from '../streams/run-streams.ts';
import type { ClipOrder, StreamsOrder } from '../streams/streams-order.ts';
import type { LiveStreamFigures } from '../streams/tally.ts';
import { ContentRange } from '../targets/content-range.ts';
import { openTarget } from '../targets/open-target.ts';
import type { MediaObject, MediaTarget, TargetSpec, TargetTraits } from '../targets/target.ts';
import { OperationFailure } from '../../load/operation-failure.ts';
import { isAbsence } from './absence.ts';
import { type SelfCost, SelfMeasure } from './self-measure.ts';

/** Objects written or removed at once. */
const SERVICE_CONCURRENCY = 4;
const SEQUENCE_CONCURRENCY = 16;

export interface ClipsOrder {
  readonly format: Format;
  readonly clips: readonly ClipOrder[];
  /** Whether what is there already, of the right length, is left as it is. */
  readonly reuse: boolean;
}

export interface TimedResult extends StreamsResult {
  readonly self: SelfCost;
}

export interface WorkerEvents {
  figures(figures: LiveStreamFigures): void;
  /** Bytes written so far by `writeClips`. */
  written(bytes: number): void;
}

export class MeterWorker {
  readonly #events: WorkerEvents;
  readonly #clock = realClock();
  #target: MediaTarget | undefined;
  #content: ContentRange | undefined;
  #ops: OpsRunner | undefined;
  #stop = new AbortController();

  constructor(events: WorkerEvents) {
    this.#events = events;
  }

  /** This machine's clock, milliseconds since 1970 with fractions: for those who align theirs with it. */
  now(): number {
    return performance.timeOrigin + performance.now();
  }

  async open(spec: TargetSpec): Promise<TargetTraits> {
    this.close();
    if (spec.priority === 'high') comeFirst();
    this.#content = new ContentRange(spec.seed);
    this.#target = openTarget(spec, this.#content);
    this.#ops = undefined;
    await this.#target.prepare();
    return this.#target.traits;
  }

  /** Resolves to the bytes that were written. Throws at the first object that could not be. */
  async writeClips(order: ClipsOrder): Promise<number> {
    const { target } = this.#opened();
    let writtenBytes = 0;
    await this.#breakable((signal) =>
      inParallel(this.#objects(order), this.#concurrency(order), async (object) => {
        if (signal.aborted) return;
        const there = order.reuse && (await target.stat(object)) === object.sizeBytes;
        if (!there && !target.traits.writable) throw missing(object);
        if (there) return;
        await target.put(object);
        writtenBytes += object.sizeBytes;
        this.#events.written(writtenBytes);
      }),
    );
    return writtenBytes;
  }

  /** Removes what is there of them; minds no absence. Throws the first failure, when all have been tried. */
  async removeClips(order: ClipsOrder): Promise<void> {
    const { target } = this.#opened();
    const failures: unknown[] = [];
    await inParallel(this.#objects(order), this.#concurrency(order), async (object) => {
      await target.remove(object).catch((error: unknown) => {
        if (!isAbsence(error)) failures.push(error);
      });
    });
    if (failures.length > 0) throw failures[0];
  }

  async removePlace(): Promise<void> {
    await this.#opened().target.removePlace();
  }

  /** Bytes of the single file that a URL names. */
  async sizeOf(object: MediaObject): Promise<number | undefined> {
    return await this.#opened().target.stat(object);
  }

  /** @param originMs when the run begins: milliseconds since 1970, of this machine's clock. */
  async runStreams(order: StreamsOrder, originMs: number): Promise<TimedResult> {
    const { target, content } = this.#opened();
    this.#stop = new AbortController();
    const leftMs = originMs - this.now();
    const self = new SelfMeasure(content, leftMs + order.warmupMs);
    const result = await runStreams(order, {
      target,
      clock: this.#clock,
      originMs: this.#clock.monotonicMs() + leftMs,
      signal: this.#stop.signal,
      figures: (figures) => this.#events.figures(figures),
    });
    const cost = self.finish();
    // A storage that was asked for too much would still be at it when the next run begins.
    target.breakOff?.();
    return { ...result, self: cost };
  }

  /** Makes the objects that the operations begin with. */
  async fillOps(order: OpsOrder): Promise<void> {
    await this.#breakable(async (signal) => {
      this.#ops = new OpsRunner(order, this.#opened().target, signal, this.#ops?.unanswered);
      await this.#ops.fill();
    });
  }

  /** Runs what `fillOps` has prepared. */
  async runOps(): Promise<OpsResult> {
    if (this.#ops === undefined) throw new TypeError('nothing has been prepared');
    const self = new SelfMeasure(this.#opened().content);
    const result = await this.#ops.run();
    return { ...result, self: self.finish() };
  }

  /** Operations done in each second of `runOps` that has passed. */
  opsRates(): number[] {
    return this.#ops?.rates() ?? [];
  }

  /** Ends `runOps`, because the rate of all has settled. */
  endOps(): void {
    this.#ops?.endSteady();
  }

  async clearOps(): Promise<void> {
    await this.#ops?.clear();
  }

  /** Ends what is under way; what it has counted is kept. */
  stop(): void {
    this.#stop.abort();
  }

  close(): void {
    this.#stop.abort();
    this.#target?.close();
    this.#target = undefined;
  }

  /** A stop breaks off what the work waits for, where the protocol can. */
  async #breakable(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { target } = this.#opened();
    const stop = new AbortController();
    this.#stop = stop;
    const breakOff = (): void => target.breakOff?.();
    stop.signal.addEventListener('abort', breakOff);
    try {
      await work(stop.signal);
    } finally {
      stop.signal.removeEventListener('abort', breakOff);
    }
  }

  #objects(order: ClipsOrder): MediaObject[] {
    return order.clips.flatMap((clip) => clipOf(clip, order).objects());
  }

  #concurrency(order: ClipsOrder): number {
    return order.format.layout === 'sequence' ? SEQUENCE_CONCURRENCY : SERVICE_CONCURRENCY;
  }

  #opened(): { readonly target: MediaTarget; readonly content: ContentRange } {
    if (this.#target === undefined || this.#content === undefined)
      throw new TypeError('no target has been opened');
    return { target: this.#target, content: this.#content };
  }
}

/**
 * Where the system lets us; what came of it is in the result. Threads take it over from the one that starts them, so it
 * has to be first. Under Linux the niceness counts within a session alone, and sessions have one of their own (sched(7)).
 */
function comeFirst(): void {
  const { PRIORITY_HIGH } = constants.priority;
  for (const ask of [
    () => setPriority(PRIORITY_HIGH),
    () => writeFileSync('/proc/self/autogroup', String(PRIORITY_HIGH)),
  ])
    try {
      ask();
    } catch {
      // Not ours to ask, or no such system.
    }
}

function missing(object: MediaObject): OperationFailure {
  return new OperationFailure(
    'blob-missing',
    'not-found',
    `${object.name} (${object.sizeBytes} bytes) is not there, and nothing can be written here`,
  );
}
