/** Buffers that O_DIRECT accepts, lent and given back. */
import { ALIGNMENT_BYTES } from './alignment.ts';
import { pageMemory } from './page-memory.ts';

const ARENA_BYTES = 64 * 2 ** 20;

export class AlignedPool {
  readonly #bufferBytes: number;
  readonly #free: Buffer[] = [];
  readonly #waiting: ((buffer: Buffer) => void)[] = [];
  #allocatedBytes = 0;
  readonly #bytesMax: number;

  /** @param bytesMax beyond which a taker waits until somebody gives back. */
  constructor(bufferBytes: number, bytesMax: number) {
    this.#bufferBytes = Math.ceil(bufferBytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
    this.#bytesMax = bytesMax;
  }

  async take(): Promise<Buffer> {
    const buffer = this.#free.pop() ?? this.#allocate();
    return buffer ?? (await new Promise<Buffer>((resolve) => this.#waiting.push(resolve)));
  }

  give(buffer: Buffer): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(buffer);
    else next(buffer);
  }

  #allocate(): Buffer | undefined {
    const bytes = Math.max(this.#bufferBytes, Math.min(ARENA_BYTES, this.#bytesMax));
    if (this.#allocatedBytes > 0 && this.#allocatedBytes + bytes > this.#bytesMax) return undefined;
    const memory = pageMemory(bytes);
    this.#allocatedBytes += memory.byteLength;
    for (let at = 0; at + this.#bufferBytes <= memory.byteLength; at += this.#bufferBytes)
      this.#free.push(Buffer.from(memory, at, this.#bufferBytes));
    return this.#free.pop();
  }
}
