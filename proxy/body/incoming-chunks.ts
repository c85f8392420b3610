/**
 * The chunks of an incoming stream, one after the other, with back-pressure: what has been received and not been taken
 * is bounded, and the stream is paused beyond that.
 */
import { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { HoldfastError } from '#common/errors.ts';
import type { Clock, Timer } from '#common/io/clock.ts';
import type { BodyLimits } from './body-context.ts';
import { BodyError } from './request-body.ts';

const QUEUED_BYTES_MAX = 128 * 1024;

/** Below it a buffer may be a part of one that others use too. */
const DISCARDED_BYTES_MIN = 16 * 1024;

interface Waiter {
  readonly given: (chunk: Buffer | undefined) => void;
  readonly failed: (error: unknown) => void;
}

export class IncomingChunks {
  readonly #incoming: Readable;
  readonly #clock: Clock;
  readonly #limits: BodyLimits;
  readonly #queue: Buffer[] = [];
  readonly #isFromSocket: boolean;
  #queuedBytes = 0;
  #waiter: Waiter | undefined;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;
  #timer: Timer | undefined;
  /** Of the current stall window: the bytes that came, and whether it was us who held them back. */
  #windowBytes = 0;
  #windowHeldBack = false;

  constructor(incoming: Readable, clock: Clock, limits: BodyLimits) {
    this.#incoming = incoming;
    this.#isFromSocket = incoming instanceof IncomingMessage;
    this.#clock = clock;
    this.#limits = limits;
    // Stays when the rest is taken off: an error that comes late must not end the process.
    incoming.on('error', this.#onError);
    if (incoming.readableEnded) {
      this.#ended = true;
      return;
    }
    if (incoming.destroyed) {
      this.interrupt(abortedBySender(incoming.errored));
      return;
    }
    incoming.on('end', this.#onEnd);
    incoming.on('close', this.#onClose);
    incoming.on('data', this.#onData);
    incoming.resume();
    this.#armTimer();
  }

  get ended(): boolean {
    return this.#ended;
  }

  /**
   * The next chunk, at once when it is there; undefined at the end. One call at a time. The bytes are the stream's: they
   * stay valid, but holding on to them holds the system's read buffer. Throws `aborted` when the sender has gone,
   * `RequestTimeout` when it has stalled, and what `interrupt` was given.
   */
  next(): Buffer | undefined | Promise<Buffer | undefined> {
    if (this.#failure !== undefined) throw this.#failure.error;
    const chunk = this.#queue.shift();
    if (chunk !== undefined) {
      this.#queuedBytes -= chunk.length;
      if (this.#queuedBytes <= QUEUED_BYTES_MAX && this.#incoming.isPaused()) this.#incoming.resume();
      return chunk;
    }
    if (this.#ended) return undefined;
    return new Promise((given, failed) => {
      this.#waiter = { given, failed };
    });
  }

  /**
   * Frees a chunk's memory at once. A server reads bodies in fresh buffers of 64 KiB, whose collector comes late: with 32
   * uploads some 40 MiB wait for it.
   */
  discard(chunk: Buffer): void {
    // What did not come from a socket may be part of something that lasts.
    if (!this.#isFromSocket || chunk.byteLength < DISCARDED_BYTES_MIN) return;
    if (chunk.byteOffset === 0 && chunk.byteLength === chunk.buffer.byteLength) freeMemory(chunk.buffer);
  }

  /** Makes the present and every later `next` throw `error`, and stops receiving. The first error stands. */
  interrupt(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    this.stop();
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.failed(error);
  }

  /** Takes the listeners off and leaves the stream paused. */
  stop(): void {
    this.#timer?.cancel();
    this.#incoming.off('data', this.#onData);
    this.#incoming.off('end', this.#onEnd);
    this.#incoming.off('close', this.#onClose);
    if (!this.#ended) this.#incoming.pause();
    this.#queue.length = 0;
    this.#queuedBytes = 0;
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#windowBytes += chunk.length;
    const waiter = this.#waiter;
    if (waiter !== undefined) {
      this.#waiter = undefined;
      waiter.given(chunk);
      return;
    }
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.length;
    if (this.#queuedBytes > QUEUED_BYTES_MAX) {
      this.#windowHeldBack = true;
      this.#incoming.pause();
    }
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#timer?.cancel();
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.given(undefined);
  };

  readonly #onClose = (): void => {
    if (!this.#ended) this.interrupt(abortedBySender(this.#incoming.errored));
  };

  readonly #onError = (error: unknown): void => {
    if (!this.#ended) this.interrupt(abortedBySender(error));
  };

  #armTimer(): void {
    this.#timer = this.#clock.after(this.#limits.stallMs, () => this.#windowEnded());
  }

  #windowEnded(): void {
    const waiting = this.#waiter !== undefined;
    if (waiting && !this.#windowHeldBack && this.#windowBytes < this.#limits.stallBytesMin) {
      this.interrupt(
        new BodyError(
          'RequestTimeout',
          'Your socket connection to the server was not read from or written to within the timeout period.',
        ),
      );
      return;
    }
    this.#windowBytes = 0;
    this.#windowHeldBack = false;
    this.#armTimer();
  }
}

function freeMemory(memory: ArrayBufferLike): void {
  if (memory instanceof ArrayBuffer) memory.transfer(0);
}

function abortedBySender(cause: unknown): HoldfastError {
  return new HoldfastError('aborted', 'the sender closed the connection within the body', { cause });
}
