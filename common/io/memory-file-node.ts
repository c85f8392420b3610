/** The bytes of one file in memory: as they are, and as a power loss may leave them. */
import type { Randomness } from './randomness.ts';

type Change =
  | { readonly order: number; readonly position: number; readonly bytes: Buffer }
  | { readonly order: number; readonly length: number };

/** Bytes that grow. */
class Extent {
  bytes = Buffer.alloc(0);
  length = 0;

  copy(): Extent {
    const copy = new Extent();
    copy.bytes = Buffer.from(this.bytes.subarray(0, this.length));
    copy.length = this.length;
    return copy;
  }

  apply(change: Change): void {
    if ('length' in change) this.resize(change.length);
    else this.write(change.bytes, change.position);
  }

  write(bytes: Uint8Array, position: number): void {
    if (position + bytes.length > this.length) this.resize(position + bytes.length);
    this.bytes.set(bytes, position);
  }

  resize(length: number): void {
    if (length > this.bytes.length) {
      const larger = Buffer.alloc(Math.max(length, this.bytes.length * 2, 4096));
      larger.set(this.bytes.subarray(0, this.length));
      this.bytes = larger;
    }
    // What lies behind the end reads as zeros when the file grows over it again.
    if (length < this.length) this.bytes.fill(0, length, this.length);
    this.length = length;
  }
}

export class MemoryFileNode {
  readonly isDirectory = false;
  #current = new Extent();
  #durable = new Extent();
  #unsynced: Change[] = [];
  #order = 0;

  get length(): number {
    return this.#current.length;
  }

  get hasUnsynced(): boolean {
    return this.#unsynced.length > 0;
  }

  read(into: Buffer, offset: number, length: number, position: number): number {
    const end = Math.min(position + length, this.#current.length);
    return end > position ? this.#current.bytes.copy(into, offset, position, end) : 0;
  }

  write(bytes: Buffer, position: number): void {
    this.#current.write(bytes, position);
    this.#order += 1;
    this.#unsynced.push({ order: this.#order, position, bytes });
  }

  truncate(length: number): void {
    this.#current.resize(length);
    this.#order += 1;
    this.#unsynced.push({ order: this.#order, length });
  }

  /** Of the last change; they rise. */
  get order(): number {
    return this.#order;
  }

  /**
   * What ends a sync that begins now: it covers what was changed before.
   * @param after and behind this change only.
   */
  beginSync(after = 0): { succeed: () => void; fail: () => void } {
    const upTo = this.#order;
    const each = (take: (change: Change) => void): void => {
      const left: Change[] = [];
      for (const change of this.#unsynced) {
        if (change.order > after && change.order <= upTo) take(change);
        else left.push(change);
      }
      this.#unsynced = left;
    };
    return {
      succeed: () => each((change) => this.#durable.apply(change)),
      // Linux marks the pages clean: they are read as written, and no later sync writes them (Rebello et al., ATC 2020).
      fail: () => each(() => undefined),
    };
  }

  /** Throws when bytes behind `position`, or the length, have changed since they were synced: a write there that is synced alone would be replayed in another order. */
  mustBeSynced(position: number): void {
    for (const change of this.#unsynced) {
      if ('length' in change || change.position + change.bytes.length > position)
        throw new Error('a write through overlaps what has not been synced');
    }
  }

  /** Turns one bit over, as a disk does: nobody is told. */
  flip(position: number, bit: number): void {
    for (const extent of [this.#current, this.#durable]) {
      const byte = extent.bytes[position];
      if (position < extent.length && byte !== undefined) extent.bytes[position] = byte ^ (1 << bit);
    }
  }

  /** The file after a power loss: what was synced, and of the rest nothing, all, the first, or any blocks. */
  afterCrash(random: Randomness): MemoryFileNode {
    const left = new MemoryFileNode();
    const extent = this.#afterCrash(random);
    left.#current = extent;
    left.#durable = extent.copy();
    return left;
  }

  #afterCrash(random: Randomness): Extent {
    const extent = this.#durable.copy();
    if (this.#unsynced.length === 0) return extent;
    switch (random.below(4)) {
      case 0:
        return extent;
      case 1:
        return this.#current.copy();
      case 2:
        this.#keepFirst(extent, random);
        return extent;
      default:
        this.#keepBlocks(extent, random);
        return extent;
    }
  }

  #keepFirst(extent: Extent, random: Randomness): void {
    const kept = random.below(this.#unsynced.length + 1);
    for (const change of this.#unsynced.slice(0, kept)) extent.apply(change);
    const torn = this.#unsynced[kept];
    if (torn && !('length' in torn)) {
      extent.apply({ ...torn, bytes: torn.bytes.subarray(0, random.below(torn.bytes.length + 1)) });
    }
  }

  #keepBlocks(extent: Extent, random: Randomness): void {
    const blockBytes = random.below(2) === 0 ? 512 : 4096;
    const end = this.#current.length;
    const grown = end - extent.length;
    // The length may be on disk although the blocks behind it are not.
    if (grown > 0) extent.resize(random.below(2) === 0 ? end : extent.length + random.below(grown + 1));
    else if (random.below(2) === 0) extent.resize(end);
    const both = Math.min(extent.length, end);
    for (let at = 0; at < both; at += blockBytes) {
      if (random.below(2) === 0) continue;
      extent.write(this.#current.bytes.subarray(at, Math.min(at + blockBytes, both)), at);
    }
  }
}
