/**
 * Transaction ids, by which an answer is found in the logs: `tx`, 21 hexadecimal digits, `-` and the time in seconds as 10
 * more (Object Storage API reference, "X-Trans-Id").
 */
import type { Clock } from '#common/io/clock.ts';
import type { Randomness } from '#common/io/randomness.ts';

const EXTRA_CHARACTERS_MAX = 32;

export class TransactionIds {
  readonly #prefix: string;
  readonly #clock: Clock;
  #count = 0;

  constructor(randomness: Randomness, clock: Clock) {
    this.#prefix = randomness.bytes(7).toString('hex').slice(0, 13);
    this.#clock = clock;
  }

  /** @param extra what the client wants to find its request by (`X-Trans-Id-Extra`). */
  next(extra: string | undefined): string {
    this.#count = (this.#count + 1) >>> 0;
    const count = this.#count.toString(16).padStart(8, '0');
    const seconds = Math.floor(this.#clock.nowMs() / 1000)
      .toString(16)
      .padStart(10, '0');
    const suffix = extra === undefined || extra === '' ? '' : `-${extra.slice(0, EXTRA_CHARACTERS_MAX)}`;
    return `tx${this.#prefix}${count}-${seconds}${suffix}`;
  }
}
