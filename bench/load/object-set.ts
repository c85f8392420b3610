/** The objects that one worker has made in one cell: which are there, and of which that is not known. */
import type { ContentKey } from './content.ts';
import type { RandomSequence } from './random-sequence.ts';

const INDEX_DIGITS = 9;

export class ObjectSet {
  /** What every name begins with; names sort as indexes do. */
  readonly prefix: string;
  readonly #family: number;
  readonly #present: number[] = [];
  readonly #doubtful: number[] = [];
  #nextIndex = 0;

  constructor(prefix: string, family: number) {
    this.prefix = prefix;
    this.#family = family;
  }

  get presentCount(): number {
    return this.#present.length;
  }

  /** Objects whose PUT or DELETE failed: they may be there or not. */
  get doubtfulCount(): number {
    return this.#doubtful.length;
  }

  name(index: number): string {
    return this.prefix + String(index).padStart(INDEX_DIGITS, '0');
  }

  contentKey(index: number): ContentKey {
    return { family: this.#family, index };
  }

  /** The index of an object to make; `confirm` or `doubt` follows. */
  create(): number {
    return this.#nextIndex++;
  }

  confirm(index: number): void {
    this.#present.push(index);
  }

  doubt(index: number): void {
    this.#doubtful.push(index);
  }

  /** One that is there, at random. */
  pick(random: RandomSequence): number | undefined {
    return this.#present[random.below(this.#present.length)];
  }

  /** One that is there, to be deleted; it no longer counts as there. */
  take(): number | undefined {
    return this.#present.pop();
  }

  takeDoubtful(): number | undefined {
    return this.#doubtful.pop();
  }
}
