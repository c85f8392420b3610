/** Simulated time: what is to happen, in order of time; a binary heap. */
interface Happening {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

export class Timeline {
  /** Milliseconds since the schedule's start. */
  nowMs = 0;
  #order = 0;
  readonly #heap: Happening[] = [];

  after(delayMs: number, run: () => void): void {
    this.#order += 1;
    this.#heap.push({ atMs: this.nowMs + delayMs, order: this.#order, run });
    this.#rise(this.#heap.length - 1);
  }

  /** Lets the next thing happen; false when nothing is left. */
  step(): boolean {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (first === undefined || last === undefined) return false;
    if (this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#sink(0);
    }
    this.nowMs = first.atMs;
    first.run();
    return true;
  }

  #rise(index: number): void {
    let at = index;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(index: number): void {
    let at = index;
    for (;;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < this.#heap.length && this.#isBefore(child, least)) least = child;
      }
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #isBefore(one: number, other: number): boolean {
    const a = this.#heap[one] as Happening;
    const b = this.#heap[other] as Happening;
    return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
  }

  #swap(one: number, other: number): void {
    const kept = this.#heap[one] as Happening;
    this.#heap[one] = this.#heap[other] as Happening;
    this.#heap[other] = kept;
  }
}
