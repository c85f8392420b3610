/** Files kept open for reading, the ones used longest ago closed first. Opening and closing wait for nobody else. */
import { close } from 'node:fs';

const OPEN_MAX = 512;

export interface OpenFile {
  readonly descriptor: Promise<number>;
  users: number;
  /** Nobody is to find it again: it closes behind its last user. */
  forgotten: boolean;
}

export class OpenFiles {
  readonly #files = new Map<string, OpenFile>();
  readonly #open: (path: string) => Promise<number>;

  constructor(open: (path: string) => Promise<number>) {
    this.#open = open;
  }

  /** Its descriptor rejects with what opening threw. `release` follows in any case. */
  acquire(path: string): OpenFile {
    const known = this.#files.get(path);
    const file = known ?? { descriptor: this.#open(path), users: 0, forgotten: false };
    file.users++;
    // At the end of the map is what was used last.
    this.#files.delete(path);
    this.#files.set(path, file);
    if (known === undefined) {
      // What could not be opened is tried again by the next who asks.
      file.descriptor.catch(() => this.#forget(path, file));
      this.#shrink();
    }
    return file;
  }

  release(file: OpenFile): void {
    file.users--;
    if (file.forgotten && file.users === 0) closeSoon(file);
  }

  /** The next who asks opens it anew. */
  forget(path: string): void {
    const file = this.#files.get(path);
    if (file !== undefined) this.#forget(path, file);
  }

  closeAll(): void {
    for (const path of this.#files.keys()) this.forget(path);
  }

  #forget(path: string, file: OpenFile): void {
    if (file.forgotten) return;
    file.forgotten = true;
    this.#files.delete(path);
    if (file.users === 0) closeSoon(file);
  }

  #shrink(): void {
    for (const [path, { users }] of this.#files) {
      if (this.#files.size <= OPEN_MAX) return;
      if (users === 0) this.forget(path);
    }
  }
}

function closeSoon({ descriptor }: OpenFile): void {
  descriptor.then(
    (number) => close(number, () => undefined),
    () => undefined,
  );
}
