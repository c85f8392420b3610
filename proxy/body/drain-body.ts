/**
 * Moves a large body from its stream to a sink:
 *
 *     socket → fill a pooled buffer ─┬→ sink          (in order; one call at a time, unless it takes several)
 *                                    └→ digest workers (the same bytes, in shared memory)
 *
 * A buffer is used again when both have done with it. A body has few at a time, so that receiving, the sink and the
 * digests overlap and a slow one of them holds back the other two.
 */
import type { BodySink } from '#cluster/cluster.ts';
import { hasCode } from '#common/errors.ts';
import { Transients } from '#common/transients.ts';
import type { BodyContext } from './body-context.ts';
import { checkExpectations, expectedAlgorithms } from './body-expectations.ts';
import { BUFFER_BYTES, type PooledBuffer } from './buffer-pool.ts';
import type { BodyPlan } from './collect-body.ts';
import type { DigestStream } from './digest-pool.ts';
import type { DigestAlgorithm, DigestValues } from './digester.ts';
import type { IncomingChunks } from './incoming-chunks.ts';
import { type BodyDigests, BodyError, type DrainOptions } from './request-body.ts';
import { parseTrailer } from './trailer.ts';

/** What a body has of the pool at most: one more when the sink's calls overlap, which is then never without the next bytes. */
export const BUFFERS_MAX = 2;
const OVERLAPPING_BUFFERS_MAX = 3;
/** What keeps up with MD5 on the same worker; the others go to a second one. */
const BESIDE_MD5: readonly DigestAlgorithm[] = ['md5', 'crc32', 'crc32c', 'crc64nvme'];

export class BodyDrain {
  readonly #chunks: IncomingChunks;
  readonly #plan: BodyPlan;
  readonly #context: BodyContext;
  readonly #sink: BodySink;
  readonly #overlapping: boolean;
  readonly #buffersMax: number;
  readonly #streams: DigestStream[] = [];
  /** The stream that hashes signed chunks. */
  #chunkStream: DigestStream | undefined;
  #current: PooledBuffer | undefined;
  #filled = 0;
  #chunkEnds: number[] = [];
  #lengthBytes = 0;
  /** Buffers on their way through the sink and the digests. */
  readonly #moving = new Transients<Promise<void>>();
  #lastSunk: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;

  constructor(
    chunks: IncomingChunks,
    plan: BodyPlan,
    context: BodyContext,
    sink: BodySink,
    { overlapping = false }: DrainOptions = {},
  ) {
    this.#chunks = chunks;
    this.#plan = plan;
    this.#context = context;
    this.#sink = sink;
    this.#overlapping = overlapping;
    this.#buffersMax = overlapping ? OVERLAPPING_BUFFERS_MAX : BUFFERS_MAX;
  }

  async run(): Promise<BodyDigests> {
    try {
      this.#openStreams();
      await this.#receive();
      this.#dispatch();
      await Promise.all(this.#moving);
      if (this.#failure !== undefined) throw this.#failure.error;
      return await this.#verify();
    } catch (error) {
      // What is still queued for the sink is not worth its while any more.
      this.#failure ??= { error };
      throw error;
    } finally {
      await this.#release();
    }
  }

  #openStreams(): void {
    const algorithms = expectedAlgorithms(this.#plan.expectations);
    const beside = algorithms.filter((algorithm) => BESIDE_MD5.includes(algorithm));
    const apart = algorithms.filter((algorithm) => !BESIDE_MD5.includes(algorithm));
    const { digests } = this.#context;
    this.#streams.push(this.#orSlowDown(() => digests.open(beside)));
    if (apart.length === 0 && this.#plan.chain === undefined) return;
    const second = this.#orSlowDown(() => digests.open(apart));
    this.#streams.push(second);
    if (this.#plan.chain !== undefined) this.#chunkStream = second;
  }

  async #receive(): Promise<void> {
    const { decoder } = this.#plan;
    for (;;) {
      const next = this.#chunks.next();
      const chunk = next instanceof Promise ? await this.#awaitSender(next) : next;
      if (chunk === undefined) return;
      decoder.feed(chunk);
      for (let piece = decoder.next(); piece !== undefined; piece = decoder.next()) {
        for (let at = 0; at < piece.bytes.length; ) {
          // A full buffer waits for the next byte, so that a chunk's end is still noted on the buffer that it is in.
          if (this.#filled === BUFFER_BYTES) this.#dispatch();
          this.#current ??= this.#take() ?? (await this.#waitForBuffer());
          const copied = piece.bytes.copy(this.#current.bytes, this.#filled, at);
          this.#filled += copied;
          this.#lengthBytes += copied;
          at += copied;
        }
        if (piece.chunkSignature === undefined || this.#plan.chain === undefined) continue;
        this.#plan.chain.claim(piece.chunkSignature);
        this.#chunkEnds.push(this.#filled);
      }
      this.#chunks.discard(chunk);
    }
  }

  /** What has been gathered goes on its way as it is, when somebody else needs the buffer meanwhile. */
  async #awaitSender(next: Promise<Buffer | undefined>): Promise<Buffer | undefined> {
    if (this.#current === undefined) return next;
    const withdraw = this.#context.buffers.offer(() => this.#dispatch());
    try {
      return await next;
    } finally {
      withdraw();
    }
  }

  #take(): PooledBuffer | undefined {
    return this.#moving.size < this.#buffersMax ? this.#context.buffers.take() : undefined;
  }

  async #waitForBuffer(): Promise<PooledBuffer> {
    while (this.#moving.size >= this.#buffersMax) await Promise.race(this.#moving);
    const { buffers } = this.#context;
    const buffer = buffers.take();
    if (buffer !== undefined) return buffer;
    return new Promise((given) => {
      this.#orSlowDown(() => buffers.wait(given));
    });
  }

  #orSlowDown<Result>(attempt: () => Result): Result {
    try {
      return attempt();
    } catch (cause) {
      if (!hasCode(cause, 'overloaded')) throw cause;
      throw new BodyError('SlowDown', 'Please reduce your request rate.', {}, { cause });
    }
  }

  #dispatch(): void {
    const buffer = this.#current;
    if (buffer === undefined) return;
    const length = this.#filled;
    const chunkEnds = this.#chunkEnds;
    this.#current = undefined;
    this.#filled = 0;
    this.#chunkEnds = [];
    const moving = this.#move(buffer, length, chunkEnds);
    const slot = this.#moving.add(moving);
    void moving.then(() => this.#moving.remove(slot, moving));
  }

  /** Never throws: what fails is kept, and interrupts the receiving. */
  async #move(buffer: PooledBuffer, length: number, chunkEnds: readonly number[]): Promise<void> {
    const offset = buffer.index * BUFFER_BYTES;
    const before = this.#lastSunk;
    const sink = async (): Promise<void> => {
      // Once something has failed, the sink is not called again.
      if (this.#failure === undefined) await this.#orFail(() => this.#sink(buffer.bytes.subarray(0, length)));
    };
    const sunk = this.#overlapping ? sink() : before.then(sink);
    this.#lastSunk = sunk;
    const digested = this.#streams.map((stream) =>
      this.#orFail(() => this.#digest(stream, offset, length, chunkEnds)),
    );
    // Both must be over, whatever became of them, before another body's bytes may be put there.
    await Promise.all([sunk, ...digested]);
    this.#context.buffers.release(buffer);
  }

  async #digest(
    stream: DigestStream,
    offset: number,
    length: number,
    chunkEnds: readonly number[],
  ): Promise<void> {
    if (stream !== this.#chunkStream) await stream.update(offset, length);
    else this.#plan.chain?.hashed(await stream.update(offset, length, chunkEnds));
  }

  async #orFail(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.#failure ??= { error };
      this.#chunks.interrupt(error);
    }
  }

  async #verify(): Promise<BodyDigests> {
    const { decoder, chain, expectations } = this.#plan;
    const end = decoder.finish();
    const trailer = parseTrailer(end.trailer);
    const shares = await Promise.all(this.#streams.map((stream) => stream.finish()));
    chain?.finish(end, trailer);
    const values: DigestValues = Object.assign({}, ...shares);
    return checkExpectations(expectations, values, this.#lengthBytes, trailer);
  }

  async #release(): Promise<void> {
    await Promise.all(this.#moving);
    if (this.#current !== undefined) this.#context.buffers.release(this.#current);
    this.#current = undefined;
    for (const stream of this.#streams) stream.drop();
  }
}
