/**
 * What is under way: things that come and go with every request, each in a slot of its own.
 *
 * A Set or a Map is not for them. When V8 makes its table larger or smaller, the old table keeps its entries, and a reference to the
 * new one. Once one of these has been carried to the old generation it holds the next, which is then carried there too, with all that it
 * ever held, and so on until the old generation is collected: everything that was ever under way outlives the young generation.
 */
export class Transients<Item extends object | string | number | null> {
  readonly #items: (Item | undefined)[] = [];
  readonly #free: number[] = [];

  get size(): number {
    return this.#items.length - this.#free.length;
  }

  /** Its slot, which is its own until it is removed. */
  add(item: Item): number {
    const slot = this.#free.pop() ?? this.#items.length;
    this.#items[slot] = item;
    return slot;
  }

  /** Whether the item was in the slot: one that has been removed may be removed again. */
  remove(slot: number, item: Item): boolean {
    if (this.#items[slot] !== item) return false;
    this.#items[slot] = undefined;
    this.#free.push(slot);
    return true;
  }

  /** In no order. What is removed meanwhile is passed over; what is added may be. */
  *[Symbol.iterator](): Generator<Item> {
    for (let slot = 0; slot < this.#items.length; slot += 1) {
      const item = this.#items[slot];
      if (item !== undefined) yield item;
    }
  }
}

/** Transients that are found by a key, which is no object: in order of their keys' coming, like a Map. */
export class TransientMap<Key extends string | number, Item extends object | string | number | null> {
  readonly #slots = new Map<Key, number>();
  readonly #items: (Item | undefined)[] = [];
  readonly #free: number[] = [];

  get size(): number {
    return this.#slots.size;
  }

  has(key: Key): boolean {
    return this.#slots.has(key);
  }

  get(key: Key): Item | undefined {
    const slot = this.#slots.get(key);
    return slot === undefined ? undefined : this.#items[slot];
  }

  set(key: Key, item: Item): void {
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      slot = this.#free.pop() ?? this.#items.length;
      this.#slots.set(key, slot);
    }
    this.#items[slot] = item;
  }

  /** Whether it was there. */
  delete(key: Key): boolean {
    const slot = this.#slots.get(key);
    if (slot === undefined) return false;
    this.#slots.delete(key);
    this.#items[slot] = undefined;
    this.#free.push(slot);
    return true;
  }

  clear(): void {
    this.#slots.clear();
    this.#items.length = 0;
    this.#free.length = 0;
  }

  /** What is removed meanwhile is passed over. */
  *[Symbol.iterator](): Generator<[Key, Item]> {
    for (const [key, slot] of this.#slots) yield [key, this.#items[slot] as Item];
  }

  *values(): Generator<Item> {
    for (const slot of this.#slots.values()) yield this.#items[slot] as Item;
  }
}
