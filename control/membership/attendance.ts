/** Control's end of one process's membership stream: docs/formats/membership.md. */
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { errorText, HoldfastError } from '#common/errors.ts';
import type { Clock, Timer } from '#common/io/clock.ts';
import type { Randomness } from '#common/io/randomness.ts';
import type { Logger } from '#common/log/logger.ts';
import { NONCE_BYTES } from '../protocol/feed-proof.ts';
import {
  type ControlFrame,
  type MembershipProofs,
  type ProcessFrame,
  type ProcessState,
  readProcessBody,
  ringBody,
  SILENCE_MS_MAX,
  WORD_EVERY_MS,
  wordBody,
} from '../protocol/membership.ts';
import type { ProcessBook } from './process-book.ts';
import { Registration } from './registration.ts';
import type { RingPublisher } from './ring-publisher.ts';

export type AttendCall = ServerDuplexStream<ProcessFrame, ControlFrame>;

export interface AttendanceOptions {
  readonly call: AttendCall;
  readonly proofs: MembershipProofs;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
  readonly book: ProcessBook;
  /** None where control has no ring. */
  readonly rings: RingPublisher | undefined;
  /** Called once, with why, when the stream is to end. */
  readonly onEnd: (why: HoldfastError | undefined) => void;
}

/** A ring that a process does not take is sent again after so long. */
const RING_AGAIN_MS = 10_000;

export class Attendance {
  readonly #options: AttendanceOptions;
  readonly #registration: Registration;
  readonly #nonce: Buffer;
  #stopListening: (() => void) | undefined;
  #processNonce: Buffer | undefined;
  #heard = 0;
  #said = 0;
  #state: ProcessState | undefined;
  /** What is to be written next; of several states the last alone. */
  #pending: ProcessState | 'leaving' | undefined;
  #isWriting = false;
  #sent = { version: 0, atMs: Number.NEGATIVE_INFINITY };
  #isFull = false;
  #isEnded = false;
  #silence: Timer | undefined;
  #word: Timer | undefined;

  constructor(options: AttendanceOptions) {
    const { call, book, randomness } = options;
    this.#options = options;
    this.#registration = new Registration(book);
    this.#nonce = randomness.bytes(NONCE_BYTES);
    call.on('data', (frame: ProcessFrame) => this.#hear(frame));
    call.on('drain', () => {
      this.#isFull = false;
      this.#offerRing();
    });
    this.#expectFrame();
  }

  end(): void {
    this.#isEnded = true;
    this.#stopListening?.();
    this.#silence?.cancel();
    this.#word?.cancel();
  }

  /** Whether the other end has the cluster's key, and is not a recording. */
  get isProven(): boolean {
    return this.#state !== undefined;
  }

  finish(why?: HoldfastError): void {
    if (this.#isEnded) return;
    this.end();
    this.#options.onEnd(why);
  }

  #hear(frame: ProcessFrame): void {
    if (this.#isEnded) return;
    try {
      this.#expectFrame();
      if (this.#processNonce === undefined) this.#greet(frame);
      else this.#hearWord(this.#processNonce, frame);
    } catch (error) {
      const why =
        error instanceof HoldfastError ? error : new HoldfastError('protocol-violation', errorText(error));
      this.finish(why);
    }
  }

  #greet({ nonce, time_ms, proof }: ProcessFrame): void {
    const { proofs, clock, rings } = this.#options;
    if (!proofs.request.isRequest({ nonce, time_ms, proof }, clock.nowMs()))
      throw new HoldfastError('peer-unauthenticated', 'no proof of the cluster’s key, or of another time');
    this.#processNonce = nonce;
    this.#send(wordBody(this.#nonce));
    this.#stopListening = rings?.listen(() => this.#offerRing());
    this.#keepTalking();
  }

  #hearWord(processNonce: Buffer, frame: ProcessFrame): void {
    const nonces = Buffer.concat([processNonce, this.#nonce]);
    if (!this.#options.proofs.process.isFrame(frame, nonces, this.#heard))
      throw new HoldfastError('peer-unauthenticated');
    this.#heard += 1;
    const word = readProcessBody(frame.body);
    if ('leaving' in word) this.#pending = 'leaving';
    else {
      if (this.#state !== undefined && this.#state.name !== word.state.name)
        throw new HoldfastError('protocol-violation', 'a process has changed its name');
      this.#state = word.state;
      this.#pending = word.state;
      this.#offerRing();
    }
    void this.#write();
  }

  /** Never rejects. */
  async #write(): Promise<void> {
    if (this.#isWriting) return;
    this.#isWriting = true;
    try {
      for (let next = this.#pending; next !== undefined; next = this.#pending) {
        this.#pending = undefined;
        if (next === 'leaving') {
          await this.#registration.leave();
          this.finish();
        } else await this.#registration.hear(next);
      }
    } catch (error) {
      // The process says its state again soon, and its lease decides meanwhile.
      this.#options.log.warn('a process cannot be registered', {
        process: this.#state?.name,
        error: errorText(error),
      });
    }
    this.#isWriting = false;
  }

  /** Sends the ring to a process that has an older one, once, and again when it does not take it. */
  #offerRing(): void {
    const { rings, clock } = this.#options;
    const ring = rings?.current;
    if (ring === undefined || this.#state === undefined || this.#isFull || this.#isEnded) return;
    if (ring.version <= this.#state.ringVersion) return;
    const nowMs = clock.monotonicMs();
    if (ring.version <= this.#sent.version && nowMs - this.#sent.atMs < RING_AGAIN_MS) return;
    this.#sent = { version: ring.version, atMs: nowMs };
    this.#send(ringBody(ring.bytes));
  }

  #keepTalking(): void {
    this.#word = this.#options.clock.after(WORD_EVERY_MS, () => {
      if (this.#isEnded) return;
      if (!this.#isFull) this.#send(wordBody());
      this.#keepTalking();
    });
  }

  #expectFrame(): void {
    this.#silence?.cancel();
    this.#silence = this.#options.clock.after(SILENCE_MS_MAX, () =>
      this.finish(new HoldfastError('peer-unavailable', 'the process says nothing')),
    );
  }

  #send(body: Buffer): void {
    const { call, proofs } = this.#options;
    const frame = proofs.control.frame(this.#processNonce ?? this.#nonce, this.#said, body);
    this.#said += 1;
    if (!call.write(frame)) this.#isFull = true;
  }
}
