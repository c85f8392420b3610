/**
 * The rows that were used last, and keys known to have none, so that a hot key costs no call into LevelDB.
 *
 * Two generations: what is found in the old one moves to the young; when the young is full, it becomes the old. That
 * keeps what is used for the price of a map, without a list in order of use.
 */
import type { Row } from './index-row.ts';

export class RowCache {
  readonly #generationBytes: number;
  #young = new Map<string, Row | null>();
  #old = new Map<string, Row | null>();
  #youngBytes = 0;

  constructor(bytesMax: number) {
    this.#generationBytes = bytesMax / 2;
  }

  /** null: there is no such row; undefined: not known here. */
  get(key: string): Row | null | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, row: Row | null): void {
    this.#young.set(key, row);
    this.#youngBytes += ROW_OVERHEAD_BYTES + key.length + (row ? row.summary.length : 0);
    if (this.#youngBytes < this.#generationBytes) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngBytes = 0;
  }

  delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }
}

/** What a row takes in memory beside its key and summary, about. */
const ROW_OVERHEAD_BYTES = 500;
