/**
 * Recycled buffers for bodies in transit. They lie side by side in one shared memory, so that a digest worker reads
 * the very bytes that the socket delivered. The system gives the memory when it is first touched, and the buffer that
 * was returned last is given out first: a quiet proxy uses few of them.
 */
import { HoldfastError } from '#common/errors.ts';
import { type PageMemory, pageMemory } from '#common/io/page-memory.ts';
import { Turns } from '#common/turns.ts';

export const BUFFER_BYTES = 256 * 1024;
/** Behind the buffers: what digest workers need beside the bytes that they read. */
export const SCRATCH_BYTES = 64 * 1024;
const BUFFERS_DEFAULT = 96;
const WAITERS_MAX_DEFAULT = 1024;

export interface PooledBuffer {
  /** Its place in the pool's memory: `index × BUFFER_BYTES`. */
  readonly index: number;
  readonly bytes: Buffer;
}

export class BufferPool {
  readonly memory: PageMemory;
  readonly #free: PooledBuffer[] = [];
  readonly #lent = new Set<PooledBuffer>();
  readonly #waiters = new Turns<(buffer: PooledBuffer) => void>();
  readonly #waitersMax: number;
  readonly #idle = new Turns<() => void>();
  /** Buffers that were asked back and have not come yet. */
  #returning = 0;

  constructor(buffers: number = BUFFERS_DEFAULT, waitersMax: number = WAITERS_MAX_DEFAULT) {
    if (!Number.isInteger(buffers) || buffers < 1) throw new RangeError('a pool holds at least one buffer');
    this.memory = pageMemory(buffers * BUFFER_BYTES + SCRATCH_BYTES);
    this.#waitersMax = waitersMax;
    for (let index = buffers - 1; index >= 0; index--) {
      this.#free.push({ index, bytes: Buffer.from(this.memory.buffer, index * BUFFER_BYTES, BUFFER_BYTES) });
    }
  }

  get lent(): number {
    return this.#lent.size;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  /** A buffer at once, or undefined when all are lent. */
  take(): PooledBuffer | undefined {
    const buffer = this.#free.pop();
    if (buffer !== undefined) this.#lent.add(buffer);
    return buffer;
  }

  /**
   * Calls `given` with the next buffer that is returned, in turn. The answer withdraws the request and may be called at
   * any time. Throws `overloaded` when too many wait already.
   */
  wait(given: (buffer: PooledBuffer) => void): () => void {
    if (this.#waiters.size >= this.#waitersMax) {
      throw new HoldfastError('overloaded', 'too many bodies wait for a buffer');
    }
    const withdraw = this.#waiters.add(given);
    this.#askBack();
    return withdraw;
  }

  /**
   * Tells that the owner of a lent buffer waits for its sender. When others wait for buffers, `giveUp` is called, once:
   * the owner then releases the buffer soon, however full it is. Otherwise as many slow senders as there are buffers
   * would keep every other body waiting. The answer withdraws the offer.
   */
  offer(giveUp: () => void): () => void {
    const withdraw = this.#idle.add(giveUp);
    this.#askBack();
    return withdraw;
  }

  #askBack(): void {
    while (this.#returning < this.#waiters.size) {
      const giveUp = this.#idle.next();
      if (giveUp === undefined) return;
      this.#returning += 1;
      giveUp();
    }
  }

  /** Throws `invalid-argument` when the buffer is not lent: two owners of one buffer would mix two bodies. */
  release(buffer: PooledBuffer): void {
    if (!this.#lent.has(buffer)) throw new HoldfastError('invalid-argument', 'the buffer is not lent');
    if (this.#returning > 0) this.#returning -= 1;
    const given = this.#waiters.next();
    if (given !== undefined) return given(buffer);
    this.#lent.delete(buffer);
    this.#free.push(buffer);
  }
}
