/**
 * A long text that is put together from many short pieces. A string that grew by as many would be a tree of them until it is sent, which
 * the collector copies again and again: they become bytes early.
 */
const FIRST_BYTES = 16 * 1024;
/** Pieces of together so many characters become bytes at once. */
const PENDING_CHARACTERS = 4096;
/** A UTF-16 unit is at most so many bytes of UTF-8. */
const BYTES_PER_CHARACTER_MAX = 3;

export class TextBuffer {
  #bytes: Buffer | undefined;
  #length = 0;
  #pending = '';

  /** @param text whole characters: no half of a surrogate pair. */
  add(text: string): void {
    this.#pending += text;
    if (this.#pending.length >= PENDING_CHARACTERS) this.#spill();
  }

  /** All that was added, as UTF-8. */
  bytes(): Buffer {
    if (this.#bytes === undefined) return Buffer.from(this.#pending);
    this.#spill();
    return this.#bytes.subarray(0, this.#length);
  }

  text(): string {
    return this.#bytes === undefined ? this.#pending : this.bytes().toString('utf8');
  }

  #spill(): void {
    const text = this.#pending;
    const needed = this.#length + text.length * BYTES_PER_CHARACTER_MAX;
    if (this.#bytes === undefined || this.#bytes.length < needed) {
      const larger = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, 2 * needed));
      if (this.#bytes !== undefined) larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#length += this.#bytes.write(text, this.#length);
    this.#pending = '';
  }
}
