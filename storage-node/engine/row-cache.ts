/**
 * Where the records are that were used last, and keys known to have none, so that a hot key costs no call into LevelDB. The rows lie as
 * plain numbers in a few large arrays: as objects in a map they would take seven times the memory, and V8's collector would carry each
 * of them from one generation to the next.
 *
 * Two generations: what is found in the old one moves to the young; when the young is full, it becomes the old. That
 * keeps what is used for the price of a table, without a list in order of use.
 */
import type { RowHead } from './index-row.ts';

/**
 * An entry, in words of 32 bits: hash of the key, its length and the entry's state, then the row, then the key's bytes up to a
 * whole word. A number of more than 32 bits takes two words, the high one first.
 */
const words = {
  hash: 0,
  keyBytes: 1,
  state: 2,
  objects: 3,
  bytes: 4,
  segment: 6,
  offset: 7,
  length: 8,
  clock: 9,
  writer: 11,
  key: 13,
} as const;
const states = { forgotten: 0, absent: 1, dead: 2, live: 3 } as const;
const WORD_BYTES = 4;
const WORD_VALUES = 2 ** 32;
/** Of memory, for each slot of the table: entries take 64 and more, so that half of the slots or fewer are used. */
const BYTES_PER_SLOT = 36;
/** Slots looked at for one key. Names that were chosen so that they collide are forgotten, and cost no more than others. */
const PROBES_MAX = 16;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const MIX = 0x9e3779b1;

export class RowCache {
  #young: Generation;
  #old: Generation;

  /** @param bytesMax what it may take. */
  constructor(bytesMax: number) {
    this.#young = new Generation(Math.floor(bytesMax / 2));
    this.#old = new Generation(Math.floor(bytesMax / 2));
  }

  /** null: there is no such row; undefined: not known here. */
  get(key: Buffer): RowHead | null | undefined {
    const hash = hashOf(key);
    const young = this.#young.get(key, hash);
    if (young !== undefined) return young;
    const old = this.#old.get(key, hash);
    if (old !== undefined) this.#set(key, hash, old);
    return old;
  }

  set(key: Buffer, row: RowHead | null): void {
    this.#set(key, hashOf(key), row);
  }

  #set(key: Buffer, hash: number, row: RowHead | null): void {
    // What the old generation has would be found again once the young one has lost its entry.
    this.#old.forget(key, hash);
    if (this.#young.set(key, hash, row)) return;
    [this.#young, this.#old] = [this.#old, this.#young];
    this.#young.clear();
    this.#young.set(key, hash, row);
  }
}

class Generation {
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;
  /** Where an entry begins, in words, plus one; 0 where there is none. */
  readonly #slots: Uint32Array;
  #end = 0;

  constructor(bytesMax: number) {
    const slots = PROBES_MAX + Math.floor(bytesMax / BYTES_PER_SLOT);
    this.#slots = new Uint32Array(slots);
    this.#words = new Uint32Array(Math.max(0, Math.floor(bytesMax / WORD_BYTES) - slots));
    this.#bytes = new Uint8Array(this.#words.buffer);
  }

  clear(): void {
    this.#slots.fill(0);
    this.#end = 0;
  }

  get(key: Buffer, hash: number): RowHead | null | undefined {
    const at = this.#find(key, hash);
    return at === undefined || this.#words[at + words.state] === states.forgotten ? undefined : this.#row(at);
  }

  /** Where the key's entry is, also one that has been forgotten. */
  #find(key: Buffer, hash: number): number | undefined {
    const entries = this.#words;
    const first = this.#firstSlot(hash);
    for (let probe = 0; probe < PROBES_MAX; probe += 1) {
      const slot = this.#slots[first + probe] as number;
      if (slot === 0) return undefined;
      const at = slot - 1;
      if (entries[at + words.hash] !== hash || entries[at + words.keyBytes] !== key.length) continue;
      if (this.#hasKey(at, key)) return at;
    }
    return undefined;
  }

  #row(at: number): RowHead | null {
    const entries = this.#words;
    const state = entries[at + words.state];
    if (state === states.absent) return null;
    return {
      live: state === states.live,
      segment: entries[at + words.segment] as number,
      offset: entries[at + words.offset] as number,
      length: entries[at + words.length] as number,
      ballot: { clock: this.#wide(at + words.clock), writer: this.#wide(at + words.writer) },
      counted: { objects: entries[at + words.objects] as number, bytes: this.#wide(at + words.bytes) },
    };
  }

  forget(key: Buffer, hash: number): void {
    const at = this.#find(key, hash);
    if (at !== undefined) this.#words[at + words.state] = states.forgotten;
  }

  /** Whether there was room for it. What could never have any is forgotten. */
  set(key: Buffer, hash: number, row: RowHead | null): boolean {
    const found = this.#find(key, hash);
    if (found !== undefined) {
      this.#putRow(found, row);
      return true;
    }
    const length = words.key + Math.ceil(key.length / WORD_BYTES);
    if (length > this.#words.length) return true;
    if (this.#end + length > this.#words.length) return false;
    const at = this.#end;
    this.#end += length;
    this.#words[at + words.hash] = hash;
    this.#words[at + words.keyBytes] = key.length;
    this.#bytes.set(key, (at + words.key) * WORD_BYTES);
    this.#putRow(at, row);
    this.#place(at, hash);
    return true;
  }

  /** Takes the first free slot of the key, or its first one: whose that was is not found any more. */
  #place(at: number, hash: number): void {
    const first = this.#firstSlot(hash);
    let slot = first;
    while (slot < first + PROBES_MAX && this.#slots[slot] !== 0) slot += 1;
    this.#slots[slot < first + PROBES_MAX ? slot : first] = at + 1;
  }

  /** By the high bits of the hash; the last slots of the table are nobody's first. */
  #firstSlot(hash: number): number {
    return Math.floor((hash / WORD_VALUES) * (this.#slots.length - PROBES_MAX));
  }

  #putRow(at: number, row: RowHead | null): void {
    const entries = this.#words;
    if (row === null) {
      entries[at + words.state] = states.absent;
      return;
    }
    entries[at + words.state] = row.live ? states.live : states.dead;
    entries[at + words.objects] = row.counted.objects;
    this.#putWide(at + words.bytes, row.counted.bytes);
    entries[at + words.segment] = row.segment;
    entries[at + words.offset] = row.offset;
    entries[at + words.length] = row.length;
    this.#putWide(at + words.clock, row.ballot.clock);
    this.#putWide(at + words.writer, row.ballot.writer);
  }

  #wide(at: number): number {
    return (this.#words[at] as number) * WORD_VALUES + (this.#words[at + 1] as number);
  }

  #putWide(at: number, value: number): void {
    this.#words[at] = Math.floor(value / WORD_VALUES);
    this.#words[at + 1] = value % WORD_VALUES;
  }

  #hasKey(at: number, key: Buffer): boolean {
    const start = (at + words.key) * WORD_BYTES;
    for (let index = 0; index < key.length; index += 1) {
      if (this.#bytes[start + index] !== key[index]) return false;
    }
    return true;
  }
}

/** FNV-1a (Fowler, Noll, Vo); the last bytes, in which names differ most, reach its high bits by another multiplication. */
function hashOf(key: Buffer): number {
  let hash = FNV_OFFSET;
  for (let index = 0; index < key.length; index += 1) {
    hash = Math.imul(hash ^ (key[index] as number), FNV_PRIME);
  }
  return Math.imul(hash ^ (hash >>> 15), MIX) >>> 0;
}
