/** Worker threads that compute the digests of bytes in a buffer pool, while the main thread receives the next ones. */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { HoldfastError } from '#common/errors.ts';
import type { PageMemory } from '#common/io/page-memory.ts';
import { TransientMap } from '#common/transients.ts';
import { SCRATCH_BYTES } from './buffer-pool.ts';
import type { DigestReply, DigestRequest, DigestWorkerData } from './digest-messages.ts';
import type { DigestAlgorithm, DigestValues } from './digester.ts';
import { LANES_BYTES } from './md5-lanes.ts';
import { LANES } from './md5-module.ts';

const WORKERS_DEFAULT = 2;
const REPLACEMENTS_MAX = 16;
/** Not all of them have bytes at the same time. */
const MD5_SHARED_MAX = 2 * LANES;
/** Each that is ever started has scratch of its own. */
const WORKERS_MAX = Math.floor(SCRATCH_BYTES / LANES_BYTES) - REPLACEMENTS_MAX;
const NO_HASHES: readonly string[] = [];

export interface DigestPoolOptions {
  /** `BufferPool.memory` */
  readonly memory: PageMemory;
  readonly workers?: number;
}

/** One body's digests on one worker. Every promise rejects with `aborted` when the worker ends. */
export interface DigestStream {
  /**
   * Resolves, with the hashes of the chunks that ended, when the bytes have been read and may be overwritten.
   * @param offset into the pool's memory, in bytes.
   */
  update(offset: number, length: number, chunkEnds?: readonly number[]): Promise<readonly string[]>;
  finish(): Promise<DigestValues>;
  /** Gives the stream up; does nothing when it has been finished. */
  drop(): void;
}

export class DigestPool {
  readonly #memory: PageMemory;
  readonly #threads = new Set<DigestThread>();
  readonly #size: number;
  #replacementsLeft = REPLACEMENTS_MAX;
  #started = 0;
  #closed = false;

  private constructor(options: DigestPoolOptions) {
    this.#memory = options.memory;
    this.#size = options.workers ?? WORKERS_DEFAULT;
    if (!Number.isInteger(this.#size) || this.#size < 1 || this.#size > WORKERS_MAX)
      throw new RangeError(`a pool has one worker to ${WORKERS_MAX}`);
    for (let thread = 0; thread < this.#size; thread++) this.#startThread();
  }

  static start(options: DigestPoolOptions): DigestPool {
    return new DigestPool(options);
  }

  /** Streams that are neither finished nor dropped. */
  get streams(): number {
    let streams = 0;
    for (const thread of this.#threads) streams += thread.streams;
    return streams;
  }

  /**
   * Opens a stream. Those with MD5 share a worker, as it hashes several at the cost of little more than one, until it has
   * MD5_SHARED_MAX; any other stream is for the worker that has the fewest. Throws `overloaded` when no worker is left.
   */
  open(algorithms: readonly DigestAlgorithm[]): DigestStream {
    while (!this.#closed && this.#threads.size < this.#size && this.#replacementsLeft > 0) {
      this.#replacementsLeft -= 1;
      this.#startThread();
    }
    const hasMd5 = algorithms.includes('md5');
    let chosen: DigestThread | undefined;
    for (const thread of this.#threads) {
      if (hasMd5 && thread.md5Streams > 0 && thread.md5Streams < MD5_SHARED_MAX)
        return thread.open(algorithms);
      if (chosen === undefined || thread.streams < chosen.streams) chosen = thread;
    }
    if (chosen === undefined) throw new HoldfastError('overloaded', 'no digest worker is running');
    return chosen.open(algorithms);
  }

  /** Ends the workers; what they have not answered is rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(Array.from(this.#threads, (thread) => thread.close()));
  }

  #startThread(): void {
    this.#started += 1;
    const scratchAt = this.#memory.buffer.byteLength - this.#started * LANES_BYTES;
    const data = { memory: this.#memory, scratchAt };
    const thread = new DigestThread(data, () => this.#threads.delete(thread));
    this.#threads.add(thread);
  }
}

interface Pending {
  readonly updated: ((hashes: readonly string[]) => void) | undefined;
  readonly finished: ((values: DigestValues) => void) | undefined;
  readonly failed: (error: HoldfastError) => void;
}

class DigestThread {
  readonly #worker: Worker;
  /** Unanswered requests of each stream, oldest first. */
  readonly #pending = new TransientMap<number, Pending[]>();
  readonly #withMd5 = new Set<number>();
  /** Streams given up with requests still unanswered. */
  readonly #dropped = new Set<number>();
  readonly #ended: () => void;
  #streamLast = 0;
  #dead = false;

  constructor(workerData: DigestWorkerData, ended: () => void) {
    this.#ended = ended;
    // The worker has the extension of this file: .ts as it stands, .js when it has been compiled.
    const file = new URL(`./digest-worker${extname(import.meta.url)}`, import.meta.url);
    const resourceLimits = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 32 };
    this.#worker = new Worker(file, { workerData, name: 'digest', resourceLimits });
    this.#worker.on('message', (reply: DigestReply) => this.#receive(reply));
    this.#worker.on('error', (error) => this.#end(error));
    this.#worker.on('exit', () => this.#end(undefined));
    // An idle worker does not keep the process alive; one that has a body's digests under way does.
    this.#worker.unref();
  }

  get streams(): number {
    return this.#pending.size;
  }

  get md5Streams(): number {
    return this.#withMd5.size;
  }

  open(algorithms: readonly DigestAlgorithm[]): DigestStream {
    this.#streamLast += 1;
    const stream = this.#streamLast;
    if (this.#pending.size === 0) this.#worker.ref();
    this.#pending.set(stream, []);
    if (algorithms.includes('md5')) this.#withMd5.add(stream);
    this.#post({ kind: 'open', stream, algorithms });
    return {
      update: (offset, length, chunkEnds) =>
        new Promise((updated, failed) => {
          const pending = { updated, finished: undefined, failed };
          this.#request({ kind: 'update', stream, offset, length, chunkEnds }, pending);
        }),
      finish: () =>
        new Promise((finished, failed) => {
          this.#request({ kind: 'finish', stream }, { updated: undefined, finished, failed });
        }),
      drop: () => this.#drop(stream),
    };
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #request(request: DigestRequest, pending: Pending): void {
    const queue = this.#pending.get(request.stream);
    if (this.#dead || queue === undefined) {
      pending.failed(new HoldfastError('aborted', 'the digest worker has ended'));
      return;
    }
    queue.push(pending);
    this.#post(request);
  }

  #post(request: DigestRequest): void {
    if (!this.#dead) this.#worker.postMessage(request);
  }

  #drop(stream: number): void {
    const queue = this.#pending.get(stream);
    if (queue === undefined) return;
    // What was asked for is still answered: the bytes are in use until then.
    if (queue.length === 0) this.#forget(stream);
    else this.#dropped.add(stream);
    this.#post({ kind: 'drop', stream });
  }

  #receive(reply: DigestReply): void {
    const queue = this.#pending.get(reply.stream);
    const pending = queue?.shift();
    if (reply.kind === 'finished') {
      this.#dropped.delete(reply.stream);
      this.#forget(reply.stream);
      pending?.finished?.(reply.values);
    } else {
      if (queue?.length === 0 && this.#dropped.delete(reply.stream)) this.#forget(reply.stream);
      pending?.updated?.(reply.chunkHashes.length === 0 ? NO_HASHES : reply.chunkHashes);
    }
  }

  #forget(stream: number): void {
    this.#pending.delete(stream);
    this.#withMd5.delete(stream);
    if (this.#pending.size === 0) this.#worker.unref();
  }

  #end(cause: unknown): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#ended();
    const error = new HoldfastError('aborted', 'the digest worker has ended', { cause });
    for (const queue of this.#pending.values()) {
      for (const pending of queue) pending.failed(error);
    }
    this.#pending.clear();
    this.#dropped.clear();
  }
}
