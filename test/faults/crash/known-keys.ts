/** What is known of the keys of a run: what each must hold, or may hold, by what was answered. Each key has one writer. */
import type { Value } from './content.ts';

export interface KnownKey {
  readonly name: string;
  /** What was answered last, or seen after the last crash; undefined when there is no object. */
  settled: Value | undefined;
  /** What was asked for since and not answered: it may have happened, or not. */
  open: (Value | undefined)[];
}

export class KnownKeys {
  readonly keys: readonly KnownKey[];
  #version = 0;

  constructor(count: number) {
    this.keys = Array.from({ length: count }, (_, number) => ({
      name: `key-${String(number).padStart(4, '0')}`,
      settled: undefined,
      open: [],
    }));
  }

  nextVersion(): number {
    this.#version += 1;
    return this.#version;
  }

  get written(): number {
    return this.#version;
  }
}
