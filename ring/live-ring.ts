/** The newest ring that a process has seen. It changes while the process runs; what it was stays as it was. */
import type { Ring } from './ring.ts';

export interface RingSource {
  readonly current: Ring;
  /** Looks for a newer ring soon: a peer has one. */
  look(): void;
  /** Calls `listener` after every change, until the returned function is called. */
  subscribe(listener: (next: Ring, before: Ring) => void): () => void;
}

export class LiveRing implements RingSource {
  #current: Ring;
  readonly #look: () => void;
  readonly #listeners = new Set<(next: Ring, before: Ring) => void>();

  /** @param look begins to look for a newer ring, which comes by `update`. */
  constructor(ring: Ring, look: () => void = () => undefined) {
    this.#current = ring;
    this.#look = look;
  }

  get current(): Ring {
    return this.#current;
  }

  look(): void {
    this.#look();
  }

  subscribe(listener: (next: Ring, before: Ring) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes a ring that is newer; an older one is never taken again. */
  update(ring: Ring): void {
    const before = this.#current;
    if (ring.version <= before.version) return;
    this.#current = ring;
    for (const listener of this.#listeners) listener(ring, before);
  }
}
