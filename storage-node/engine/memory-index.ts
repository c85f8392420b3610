/** The index in memory, which outlives a crash as LevelDB's files do: with holes in what was not made durable. */
import type { Randomness } from '#common/io/randomness.ts';
import type { IndexEntry, IndexStore, IndexWrite, RecordIndex } from './record-index.ts';

export class MemoryIndexStore implements IndexStore {
  #durable = new Map<string, Buffer>();
  #mark: Buffer | undefined;
  #unsynced: (readonly IndexWrite[])[] = [];
  #current: MemoryIndex | undefined;

  async open(): Promise<RecordIndex> {
    const index = new MemoryIndex({
      rows: this.#whole(),
      mark: () => this.#mark,
      written: (batch) => this.#unsynced.push(batch),
      synced: (mark) => {
        this.#durable = this.#whole();
        this.#unsynced = [];
        this.#mark = mark;
      },
    });
    this.#current = index;
    return index;
  }

  async remove(): Promise<void> {
    this.#durable = new Map();
    this.#unsynced = [];
    this.#mark = undefined;
  }

  /** As after a power loss: of the batches since the last checkpoint, any may be lost. The open index is dead. */
  crash(random: Randomness): void {
    this.#current?.die();
    this.#unsynced = this.#unsynced.filter(() => random.below(3) > 0);
  }

  #whole(): Map<string, Buffer> {
    const rows = new Map(this.#durable);
    for (const batch of this.#unsynced) applyBatch(rows, batch);
    return rows;
  }
}

interface Disk {
  readonly rows: Map<string, Buffer>;
  readonly mark: () => Buffer | undefined;
  readonly written: (batch: readonly IndexWrite[]) => void;
  readonly synced: (mark: Buffer) => void;
}

class MemoryIndex implements RecordIndex {
  readonly #disk: Disk;
  #sorted: string[] | undefined;
  #dead = false;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  get(key: Buffer): Buffer | undefined {
    const value = this.#disk.rows.get(key.toString('latin1'));
    return value && Buffer.from(value);
  }

  async range(from: Buffer, to: Buffer, limit: number): Promise<IndexEntry[]> {
    const start = from.toString('latin1');
    const end = to.toString('latin1');
    const found: IndexEntry[] = [];
    // Latin-1 strings sort as their bytes do.
    this.#sorted ??= Array.from(this.#disk.rows.keys()).toSorted((a, b) => (a < b ? -1 : 1));
    for (const key of this.#sorted) {
      if (key < start) continue;
      if (key >= end || found.length === limit) break;
      found.push([Buffer.from(key, 'latin1'), Buffer.from(this.#disk.rows.get(key) ?? '')]);
    }
    return found;
  }

  async *values(): AsyncIterable<Buffer[]> {
    yield Array.from(this.#disk.rows.values(), (value) => Buffer.from(value));
  }

  async write(batch: readonly IndexWrite[]): Promise<void> {
    if (this.#dead) throw new Error('the index crashed');
    const copy = batch.map(({ key, value }) => ({
      key: Buffer.from(key),
      value: value && Buffer.from(value),
    }));
    applyBatch(this.#disk.rows, copy);
    this.#sorted = undefined;
    this.#disk.written(copy);
  }

  async checkpoint(mark: Buffer): Promise<void> {
    if (this.#dead) throw new Error('the index crashed');
    this.#disk.synced(Buffer.from(mark));
  }

  mark(): Buffer | undefined {
    return this.#disk.mark();
  }

  async close(): Promise<void> {
    this.#sorted = undefined;
  }

  die(): void {
    this.#dead = true;
  }
}

function applyBatch(rows: Map<string, Buffer>, batch: readonly IndexWrite[]): void {
  for (const { key, value } of batch) {
    const name = key.toString('latin1');
    if (value) rows.set(name, value);
    else rows.delete(name);
  }
}
