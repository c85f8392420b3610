/**
 * A watch of etcd. A stream that breaks is opened again, at the next member, from the revision after the last one that is
 * known to be whole; etcd gives the events of one revision together.
 */
import type { ClientDuplexStream } from '@grpc/grpc-js';
import { HoldfastError } from '#common/errors.ts';
import type { Clock } from '#common/io/clock.ts';
import type { KeyRange } from '../key-range.ts';
import type { Watch, WatchBatch, WatchEvent } from '../store.ts';
import type { EtcdConnection } from './etcd-connection.ts';
import type { EtcdMethods, WireWatchRequest, WireWatchResponse } from './etcd-messages.ts';
import { type EtcdCodec, integer } from './etcd-transaction.ts';

/** Answers that wait for whoever iterates; beyond it the stream is paused, and etcd keeps the rest. */
const WAITING_MAX = 16;
/** In a row: the first may be about a token that has ended. */
const CANCELLATIONS_MAX = 3;
const PAUSE_MS_MIN = 20;
const PAUSE_MS_MAX = 1000;

export interface EtcdWatchContext {
  readonly connection: EtcdConnection;
  readonly methods: EtcdMethods;
  readonly codec: EtcdCodec;
  readonly clock: Clock;
  readonly onEnd: () => void;
}

type WatchStream = ClientDuplexStream<WireWatchRequest, WireWatchResponse>;

export class EtcdWatch implements Watch {
  readonly #context: EtcdWatchContext;
  readonly #range: KeyRange;
  #next: number;
  #cancellations = 0;
  #closed = false;
  #stream: WatchStream | undefined;
  #endPause: (() => void) | undefined;

  constructor(context: EtcdWatchContext, range: KeyRange, fromRevision: number) {
    this.#context = context;
    this.#range = range;
    this.#next = Math.max(1, fromRevision);
  }

  close(): void {
    this.#closed = true;
    this.#stream?.cancel();
    this.#endPause?.();
    this.#context.onEnd();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchBatch> {
    let pauseMs = PAUSE_MS_MIN;
    try {
      while (!this.#closed) {
        try {
          for await (const response of this.#responses()) {
            pauseMs = PAUSE_MS_MIN;
            const batch = this.#batch(response);
            if (batch !== undefined) yield batch;
          }
        } catch (error) {
          if (this.#closed) return;
          // Throws what trying again does not help with.
          this.#context.connection.judgeStream(error, this.#stream);
        }
        await this.#pause(pauseMs);
        pauseMs = Math.min(PAUSE_MS_MAX, pauseMs * 2);
      }
    } finally {
      this.#stream?.cancel();
      this.#context.onEnd();
    }
  }

  async *#responses(): AsyncGenerator<WireWatchResponse> {
    const { connection, methods, codec } = this.#context;
    this.#stream = undefined;
    const stream = await connection.stream(methods.watch);
    this.#stream = stream;
    if (this.#closed) stream.cancel();
    const responses = new StreamQueue(stream);
    stream.write({
      create_request: {
        ...codec.range(this.#range),
        start_revision: this.#next,
        progress_notify: true,
      },
    });
    try {
      for (let next = await responses.next(); next !== undefined; next = await responses.next()) yield next;
    } finally {
      stream.cancel();
    }
  }

  #batch(response: WireWatchResponse): WatchBatch | undefined {
    if (integer(response.compact_revision) > 0) throw new HoldfastError('revision-compacted');
    if (response.canceled) throw this.#canceled(response.cancel_reason);
    this.#cancellations = 0;
    const last = response.events.at(-1);
    if (last === undefined) {
      // Progress: everything up to the store's revision has been given. The answer to the creation says no such thing.
      if (!response.created) this.#next = Math.max(this.#next, integer(response.header.revision) + 1);
      return undefined;
    }
    const revision = integer(last.kv.mod_revision);
    this.#next = revision + 1;
    return { revision, events: response.events.map((event) => this.#event(event)) };
  }

  #canceled(reason: string): HoldfastError {
    this.#cancellations += 1;
    this.#context.connection.forgetToken();
    const isFinal = this.#cancellations >= CANCELLATIONS_MAX;
    return new HoldfastError(isFinal ? 'request-refused' : 'store-unavailable', `etcd: ${reason}`);
  }

  #event({ type, kv }: WireWatchResponse['events'][number]): WatchEvent {
    if (type === 'PUT') return { kind: 'put', entry: this.#context.codec.entry(kv) };
    return { kind: 'delete', key: this.#context.codec.key(kv.key), modRevision: integer(kv.mod_revision) };
  }

  async #pause(durationMs: number): Promise<void> {
    if (this.#closed) return;
    await new Promise<void>((resolve) => {
      const timer = this.#context.clock.after(durationMs, resolve);
      this.#endPause = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}

/** What a stream brings, one after another; undefined when it ends, and the error it breaks with. */
class StreamQueue {
  readonly #stream: WatchStream;
  readonly #waiting: WireWatchResponse[] = [];
  #ended = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(stream: WatchStream) {
    this.#stream = stream;
    stream.on('data', (response: WireWatchResponse) => {
      this.#waiting.push(response);
      if (this.#waiting.length >= WAITING_MAX) stream.pause();
      this.#wake?.();
    });
    stream.on('error', (error) => {
      this.#error = error;
      this.#wake?.();
    });
    stream.on('end', () => {
      this.#ended = true;
      this.#wake?.();
    });
  }

  async next(): Promise<WireWatchResponse | undefined> {
    for (;;) {
      const first = this.#waiting.shift();
      if (first !== undefined) {
        if (this.#waiting.length === 0) this.#stream.resume();
        return first;
      }
      if (this.#error) throw this.#error;
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
