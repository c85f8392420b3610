/** A process's end of the membership stream: says how it does, and takes rings. docs/formats/membership.md. */
import { Client, type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import { errorText, HoldfastError } from '#common/errors.ts';
import type { Clock, Timer } from '#common/io/clock.ts';
import type { Address } from '#common/io/network.ts';
import type { Randomness } from '#common/io/randomness.ts';
import { RING_FILE_BYTES_MAX } from '#ring/file/ring-format.ts';
import { NONCE_BYTES } from './feed-proof.ts';
import {
  type AttendMethod,
  type ControlFrame,
  loadAttendMethod,
  membershipProofs,
  processBody,
  type ProcessFrame,
  type ProcessState,
  type ProcessWord,
  readControlBody,
  SILENCE_MS_MAX,
  STATE_EVERY_MS,
} from './membership.ts';

export interface MembershipClientOptions {
  readonly control: Address;
  readonly clusterKey: Buffer;
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** How this process does now. */
  readonly state: () => Promise<ProcessState>;
  /** Called with one ring at a time; what it throws is reported, and control sends the ring again. */
  readonly takeRing: (ring: Buffer) => Promise<void>;
  /** Told once of each time that control cannot be attended for long. */
  readonly report: (problem: string) => void;
}

const RETRY_MS = [50, 100, 250, 500, 1000] as const;
/** So many failures in a row, most of a second, are a process that starts before control does, or a control that starts anew. */
const FAILURES_UNTOLD = 4;
/** How long a word of leave may take to be heard. */
const LEAVE_MS_MAX = 500;
const FRAME_OVERHEAD_BYTES = 1024;

/** One connection, from its first frame to its end. */
interface Session {
  readonly call: ClientDuplexStream<ProcessFrame, ControlFrame>;
  readonly nonce: Buffer;
  /** The process's and control's; undefined until control has spoken. */
  nonces: Buffer | undefined;
  heard: number;
  said: number;
}

export class MembershipClient {
  readonly #options: MembershipClientOptions;
  readonly #client: Client;
  readonly #method: AttendMethod = loadAttendMethod();
  readonly #proofs: ReturnType<typeof membershipProofs>;
  #session: Session | undefined;
  #retry: Timer | undefined;
  #silence: Timer | undefined;
  #next: Timer | undefined;
  #taking: Promise<void> = Promise.resolve();
  #failures = 0;
  #isClosed = false;

  /** Begins at once, and begins again for as long as it is open. */
  constructor(options: MembershipClientOptions) {
    this.#options = options;
    this.#proofs = membershipProofs(options.clusterKey);
    const { host, port } = options.control;
    this.#client = new Client(
      `${host.includes(':') ? `[${host}]` : host}:${port}`,
      credentials.createInsecure(),
      {
        'grpc.max_receive_message_length': RING_FILE_BYTES_MAX + FRAME_OVERHEAD_BYTES,
        'grpc.initial_reconnect_backoff_ms': 50,
        'grpc.max_reconnect_backoff_ms': 1000,
        'grpc.use_local_subchannel_pool': 1,
      },
    );
    this.#begin();
  }

  /** Whether control hears of this process. */
  get isHeard(): boolean {
    return this.#session?.nonces !== undefined;
  }

  /** Says now how the process does: something has changed. */
  tell(): void {
    this.#next?.cancel();
    const session = this.#session;
    if (session?.nonces !== undefined && !this.#isClosed) void this.#say(session);
  }

  /** Says that the process leaves, and waits a moment for that to be heard. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of [this.#retry, this.#silence, this.#next]) timer?.cancel();
    const session = this.#session;
    if (session?.nonces !== undefined) await this.#leave(session);
    session?.call.cancel();
    this.#client.close();
    await this.#taking;
  }

  async #leave(session: Session): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.clock.after(LEAVE_MS_MAX, resolve);
    session.call.on('end', resolve);
    session.call.on('error', () => resolve());
    this.#write(session, { leaving: true });
    session.call.end();
    await promise;
    timer.cancel();
  }

  #begin(): void {
    const { randomness, clock } = this.#options;
    const { path, requestSerialize, responseDeserialize } = this.#method;
    const nonce = randomness.bytes(NONCE_BYTES);
    const call = this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    const session: Session = { call, nonce, nonces: undefined, heard: 0, said: 0 };
    this.#session = session;
    call.on('data', (frame: ControlFrame) => this.#hear(session, frame));
    call.on('error', (error: Error) => this.#broken(session, error.message));
    call.on('end', () => this.#broken(session, 'control ended the stream'));
    call.write({ ...this.#proofs.request.request(nonce, clock.nowMs()), body: Buffer.alloc(0) });
    this.#expectWord(session);
  }

  #hear(session: Session, frame: ControlFrame): void {
    if (session !== this.#session || this.#isClosed) return;
    try {
      if (!this.#proofs.control.isFrame(frame, session.nonce, session.heard))
        throw new HoldfastError('peer-unauthenticated');
      session.heard += 1;
      this.#expectWord(session);
      const word = readControlBody(frame.body);
      if (word.kind === 'ring') this.#take(word.ring);
      else if (session.nonces === undefined) {
        if (word.nonce === undefined) throw new HoldfastError('protocol-violation', 'control gave no nonce');
        session.nonces = Buffer.concat([session.nonce, word.nonce]);
        this.#failures = 0;
        void this.#say(session);
      }
    } catch (error) {
      this.#broken(session, errorText(error));
    }
  }

  #take(ring: Buffer): void {
    this.#taking = this.#taking
      .then(() => this.#options.takeRing(ring))
      .then(() => this.tell())
      // Control sends it again for as long as this process says that it has an older one.
      .catch((error: unknown) => this.#options.report(errorText(error)));
  }

  async #say(session: Session): Promise<void> {
    try {
      const state = await this.#options.state();
      if (session !== this.#session || this.#isClosed) return;
      this.#write(session, { state });
    } catch (error) {
      this.#options.report(errorText(error));
    }
    if (session !== this.#session || this.#isClosed) return;
    this.#next?.cancel();
    this.#next = this.#options.clock.after(STATE_EVERY_MS, () => void this.#say(session));
  }

  #write(session: Session, word: ProcessWord): void {
    if (session.nonces === undefined) return;
    const frame = this.#proofs.process.frame(session.nonces, session.said, processBody(word));
    session.said += 1;
    session.call.write({ nonce: Buffer.alloc(0), time_ms: '0', ...frame });
  }

  #expectWord(session: Session): void {
    this.#silence?.cancel();
    this.#silence = this.#options.clock.after(SILENCE_MS_MAX, () =>
      this.#broken(session, 'control says nothing'),
    );
  }

  #broken(session: Session, why: string): void {
    if (this.#isClosed || session !== this.#session) return;
    this.#session = undefined;
    for (const timer of [this.#silence, this.#next]) timer?.cancel();
    session.call.cancel();
    if (this.#failures === FAILURES_UNTOLD) this.#options.report(why);
    const delayMs = RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)] ?? 0;
    this.#failures += 1;
    this.#retry = this.#options.clock.after(delayMs, () => this.#begin());
  }
}
