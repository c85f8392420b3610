import { HoldfastError } from '#common/errors.ts';

/** Places for so many at a time. Whoever comes when all are taken is told to come back, since waiting would hold his connection. */
export class Slots {
  readonly #max: number;
  #taken = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Throws `overloaded`. The place is given back with the end of the block that uses it. */
  take(): Disposable {
    if (this.#taken >= this.#max) throw new HoldfastError('overloaded', 'too many of its kind are under way');
    this.#taken += 1;
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (held) this.#taken -= 1;
        held = false;
      },
    };
  }
}
