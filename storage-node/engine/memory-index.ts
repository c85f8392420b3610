/** The index in memory, which outlives a crash as LevelDB's files do: with holes in what was not made durable. */
import type { Randomness } from '#common/io/randomness.ts';
import type { IndexEntry, IndexStore, IndexWrite, RecordIndex } from './record-index.ts';

interface Batch {
  readonly rows: readonly IndexWrite[];
  readonly sums: readonly IndexWrite[];
  readonly counts: readonly IndexWrite[];
}

/** Everything an index holds but its mark. */
class Contents {
  readonly rows: Map<string, Buffer>;
  readonly sums: Map<string, Buffer>;
  readonly counts: Map<string, Buffer>;

  constructor(from?: Contents) {
    this.rows = new Map(from?.rows);
    this.sums = new Map(from?.sums);
    this.counts = new Map(from?.counts);
  }

  apply(batch: Batch): void {
    applyWrites(this.rows, batch.rows);
    applyWrites(this.sums, batch.sums);
    applyWrites(this.counts, batch.counts);
  }
}

export class MemoryIndexStore implements IndexStore {
  #durable = new Contents();
  #isWhole = true;
  #mark: Buffer | undefined;
  #unsynced: Batch[] = [];
  #current: MemoryIndex | undefined;

  async open(): Promise<RecordIndex> {
    const index = new MemoryIndex({
      contents: this.#whole(),
      isWhole: this.#isWhole,
      mark: () => this.#mark,
      written: (batch) => this.#unsynced.push(batch),
      synced: (mark) => {
        this.#durable = this.#whole();
        this.#unsynced = [];
        this.#isWhole = true;
        this.#mark = mark;
      },
    });
    this.#current = index;
    return index;
  }

  async remove(): Promise<void> {
    this.#durable = new Contents();
    this.#unsynced = [];
    this.#isWhole = true;
    this.#mark = undefined;
  }

  /** As after a power loss: of the batches since the last checkpoint, any may be lost. The open index is dead. */
  crash(random: Randomness): void {
    this.#current?.die();
    const before = this.#unsynced;
    this.#unsynced = before.filter(() => random.below(3) > 0);
    this.#isWhole &&= this.#unsynced.every((batch, at) => batch === before[at]);
  }

  #whole(): Contents {
    const contents = new Contents(this.#durable);
    for (const batch of this.#unsynced) contents.apply(batch);
    return contents;
  }
}

interface Disk {
  readonly contents: Contents;
  readonly isWhole: boolean;
  readonly mark: () => Buffer | undefined;
  readonly written: (batch: Batch) => void;
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
    const value = this.#disk.contents.rows.get(key.toString('latin1'));
    return value && Buffer.from(value);
  }

  sums(shard: Buffer): Buffer | undefined {
    const value = this.#disk.contents.sums.get(shard.toString('latin1'));
    return value && Buffer.from(value);
  }

  async counts(): Promise<IndexEntry[]> {
    return Array.from(this.#disk.contents.counts, ([key, value]) => [
      Buffer.from(key, 'latin1'),
      Buffer.from(value),
    ]);
  }

  get isWhole(): boolean {
    return this.#disk.isWhole;
  }

  async range(from: Buffer, to: Buffer, limit: number): Promise<IndexEntry[]> {
    const start = from.toString('latin1');
    const end = to.toString('latin1');
    const found: IndexEntry[] = [];
    for (const key of this.#inOrder()) {
      if (key < start) continue;
      if (key >= end || found.length === limit) break;
      found.push(this.#entry(key));
    }
    return found;
  }

  async *entries(): AsyncIterable<IndexEntry[]> {
    yield this.#inOrder().map((key) => this.#entry(key));
  }

  async write(
    rows: readonly IndexWrite[],
    sums: readonly IndexWrite[],
    counts: readonly IndexWrite[],
  ): Promise<void> {
    if (this.#dead) throw new Error('the index crashed');
    const batch = { rows: copied(rows), sums: copied(sums), counts: copied(counts) };
    this.#disk.contents.apply(batch);
    this.#sorted = undefined;
    this.#disk.written(batch);
  }

  /** As durable as a batch is: a crash may bring some back, in an index that is then not whole either. */
  removeTotals(): Promise<void> {
    const { sums, counts } = this.#disk.contents;
    const removed = (of: ReadonlyMap<string, Buffer>): IndexWrite[] =>
      Array.from(of.keys(), (key) => ({ key: Buffer.from(key, 'latin1'), value: undefined }));
    return this.write([], removed(sums), removed(counts));
  }

  #inOrder(): string[] {
    // Latin-1 strings sort as their bytes do.
    this.#sorted ??= Array.from(this.#disk.contents.rows.keys()).toSorted((a, b) => (a < b ? -1 : 1));
    return this.#sorted;
  }

  #entry(key: string): IndexEntry {
    return [Buffer.from(key, 'latin1'), Buffer.from(this.#disk.contents.rows.get(key) ?? '')];
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

function copied(writes: readonly IndexWrite[]): IndexWrite[] {
  return writes.map(({ key, value }) => ({ key: Buffer.from(key), value: value && Buffer.from(value) }));
}

function applyWrites(rows: Map<string, Buffer>, writes: readonly IndexWrite[]): void {
  for (const { key, value } of writes) {
    const name = key.toString('latin1');
    if (value) rows.set(name, value);
    else rows.delete(name);
  }
}
