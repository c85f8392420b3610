/**
 * A device in memory: the engine's contract without a disk, for tests of what stands above it. `writeRecord` becomes
 * visible when its turn of the event loop ends, as a group commit does.
 */
import { sameBallot } from '#common/ballot.ts';
import { asRecordKey, type RecordKey } from '#common/codec/record-key.ts';
import { HoldfastError } from '#common/errors.ts';
import type { BlobId } from '#common/ids.ts';
import type {
  AcceptedState,
  BlobInfo,
  BlobSink,
  BlobSource,
  DeviceEngine,
  DeviceUsage,
  IndexRow,
  RowRange,
  ShardSums,
} from './device-engine.ts';
import { RunningSums } from './shard-sums.ts';

interface StoredBlob {
  readonly bytes: Buffer;
  readonly owner: RecordKey;
  readonly createdMs: number;
}

export class MemoryEngine implements DeviceEngine {
  floor = 0;
  readonly #nowMs: () => number;
  readonly #records = new Map<string, AcceptedState>();
  readonly #blobs = new Map<BlobId, StoredBlob>();
  #ceiling = 0;
  /** The error that every write ends in from now on; undefined while the device is well. */
  failure: HoldfastError | undefined;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** The device as it is after its process was killed and started again. */
  restart(): void {
    this.floor = this.#ceiling;
  }

  readRecord(key: RecordKey): AcceptedState | undefined {
    return this.#records.get(key.toString('latin1'));
  }

  readRow(key: RecordKey): IndexRow | undefined {
    const state = this.readRecord(key);
    return state === undefined ? undefined : rowOf(key, state);
  }

  async writeRecord(key: RecordKey, state: AcceptedState): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.failure !== undefined) throw this.failure;
    this.#records.set(key.toString('latin1'), state);
  }

  async purgeRecord(key: RecordKey, ballot: AcceptedState['ballot']): Promise<void> {
    const state = this.readRecord(key);
    if (state !== undefined && !state.live && sameBallot(state.ballot, ballot)) {
      this.#records.delete(key.toString('latin1'));
    }
  }

  sums(shard: Buffer): ShardSums {
    const sums = new RunningSums();
    for (const [name, state] of this.#records) {
      const key = Buffer.from(name, 'latin1');
      if (key.subarray(0, shard.length).equals(shard)) sums.add(key, state);
    }
    return sums.value;
  }

  async dropRecord(key: RecordKey, ballot: AcceptedState['ballot']): Promise<void> {
    const state = this.readRecord(key);
    if (state !== undefined && sameBallot(state.ballot, ballot)) this.#records.delete(key.toString('latin1'));
  }

  async rows(range: RowRange): Promise<IndexRow[]> {
    const rows: IndexRow[] = [];
    for (const [name, state] of this.#records) {
      const key = asRecordKey(Buffer.from(name, 'latin1'));
      if (key.compare(range.from) >= 0 && key.compare(range.to) < 0) rows.push(rowOf(key, state));
    }
    return rows.toSorted((a, b) => a.key.compare(b.key)).slice(0, range.limit);
  }

  async raiseCeiling(clock: number): Promise<void> {
    this.#ceiling = Math.max(this.#ceiling, clock);
  }

  async createBlob(id: BlobId, owner: RecordKey): Promise<BlobSink> {
    if (this.failure !== undefined) throw this.failure;
    if (this.#blobs.has(id)) throw new HoldfastError('blob-exists');
    const chunks: Buffer[] = [];
    return {
      write: async (more) => {
        if (this.failure !== undefined) throw this.failure;
        chunks.push(...more.map((chunk) => Buffer.from(chunk)));
      },
      commit: async () => {
        this.#blobs.set(id, { bytes: Buffer.concat(chunks), owner, createdMs: this.#nowMs() });
      },
      abort: async () => undefined,
    };
  }

  async openBlob(id: BlobId): Promise<BlobSource> {
    const blob = this.#blobs.get(id);
    if (blob === undefined) throw new HoldfastError('blob-missing');
    return {
      lengthBytes: blob.bytes.length,
      read: async (into, offset, length, position) => {
        if (position + length > blob.bytes.length) throw new HoldfastError('invalid-argument');
        blob.bytes.copy(into, offset, position, position + length);
      },
      close: async () => undefined,
    };
  }

  async deleteBlob(id: BlobId): Promise<boolean> {
    return this.#blobs.delete(id);
  }

  async listBlobs(after: BlobId | undefined, limit: number): Promise<BlobInfo[]> {
    const ids = [...this.#blobs.keys()].toSorted();
    const wanted = ids.filter((id) => after === undefined || id > after).slice(0, limit);
    return wanted.map((id) => {
      const { bytes, owner, createdMs } = this.#blobs.get(id) as StoredBlob;
      return { id, lengthBytes: bytes.length, createdMs, owner };
    });
  }

  async blobIds(after: BlobId | undefined, limit: number): Promise<BlobId[]> {
    return [...this.#blobs.keys()]
      .toSorted()
      .filter((id) => after === undefined || id > after)
      .slice(0, limit);
  }

  async usage(): Promise<DeviceUsage> {
    const states = [...this.#records.values()];
    const tombstones = states.filter((state) => !state.live).length;
    let blobBytes = 0;
    for (const { bytes } of this.#blobs.values()) blobBytes += bytes.length;
    const records = states.length - tombstones;
    const space = { totalBytes: 0, freeBytes: 0, logBytes: 0, logDeadBytes: 0 };
    return { health: 'ok', records, tombstones, blobs: this.#blobs.size, blobBytes, ...space };
  }

  async close(): Promise<void> {}
}

function rowOf(key: RecordKey, state: AcceptedState): IndexRow {
  return { key, ballot: state.ballot, live: state.live, summary: state.summary };
}
