/** Files kept open for reading, the ones used longest ago closed first. */
import { closeSync } from 'node:fs';

const OPEN_MAX = 512;

interface OpenFile {
  readonly descriptor: number;
  users: number;
}

export class OpenFiles {
  readonly #files = new Map<string, OpenFile>();
  readonly #open: (path: string) => number;

  constructor(open: (path: string) => number) {
    this.#open = open;
  }

  /** Throws what opening throws. `release` follows. */
  acquire(path: string): number {
    const known = this.#files.get(path);
    const file = known ?? { descriptor: this.#open(path), users: 0 };
    file.users++;
    // At the end of the map is what was used last.
    this.#files.delete(path);
    this.#files.set(path, file);
    if (known === undefined) this.#shrink();
    return file.descriptor;
  }

  release(path: string): void {
    const file = this.#files.get(path);
    if (file !== undefined) file.users--;
  }

  forget(path: string): void {
    const file = this.#files.get(path);
    if (file === undefined || file.users > 0) return;
    closeSync(file.descriptor);
    this.#files.delete(path);
  }

  closeAll(): void {
    for (const path of this.#files.keys()) this.forget(path);
  }

  #shrink(): void {
    for (const path of this.#files.keys()) {
      if (this.#files.size <= OPEN_MAX) return;
      this.forget(path);
    }
  }
}
