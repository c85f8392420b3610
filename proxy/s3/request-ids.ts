/** Request ids: 16 hexadecimal digits, unique to a process's run by a random half and counted in the other. */
import type { Randomness } from '#common/io/randomness.ts';

export class RequestIds {
  readonly #prefix: string;
  #count = 0;

  constructor(randomness: Randomness) {
    this.#prefix = randomness.bytes(4).toString('hex').toUpperCase();
  }

  next(): string {
    this.#count = (this.#count + 1) >>> 0;
    return this.#prefix + this.#count.toString(16).toUpperCase().padStart(8, '0');
  }
}
