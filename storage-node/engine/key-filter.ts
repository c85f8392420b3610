/**
 * Keys that have been seen, so that one that has not need not be looked for: a Bloom filter. What it says it has not is true; what it
 * says it has may not be.
 */
const FILTER_BYTES = 4 * 1024 * 1024;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const SECOND_HASH_PRIME = 0x9e3779b1;

export class KeyFilter {
  readonly #bits = new Uint8Array(FILTER_BYTES);

  /** Whether the key was not there before; it is now. */
  add(key: string): boolean {
    let hash = FNV_OFFSET;
    for (let at = 0; at < key.length; at += 1) hash = Math.imul(hash ^ key.charCodeAt(at), FNV_PRIME);
    hash ^= hash >>> 15;
    const first = this.#set(hash);
    const second = this.#set(Math.imul(hash, SECOND_HASH_PRIME) ^ (hash >>> 9));
    return first || second;
  }

  /** Whether the bit was not set. */
  #set(hash: number): boolean {
    const bit = hash >>> 0;
    const at = (bit >>> 3) % FILTER_BYTES;
    const mask = 1 << (bit & 7);
    const before = this.#bits[at] as number;
    this.#bits[at] = before | mask;
    return (before & mask) === 0;
  }
}
