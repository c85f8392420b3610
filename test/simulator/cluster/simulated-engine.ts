/** A device's engine over a simulated disk: records and the ceiling. Bodies are not simulated. */
import { type RecordKey, asRecordKey } from '#common/codec/record-key.ts';
import { HoldfastError } from '#common/errors.ts';
import type { BlobId } from '#common/ids.ts';
import type {
  AcceptedState,
  DeviceEngine,
  IndexRow,
  RowRange,
  ShardSums,
} from '#storage-node/engine/device-engine.ts';
import { RunningSums } from '#storage-node/engine/shard-sums.ts';
import type { SimulatedDisk } from '../simulated-disk.ts';

export class SimulatedEngine implements DeviceEngine {
  readonly floor: number;
  readonly #disk: SimulatedDisk;

  constructor(disk: SimulatedDisk) {
    this.#disk = disk;
    this.floor = disk.ceiling;
  }

  readRecord(key: RecordKey): AcceptedState | undefined {
    return this.#disk.read(key.toString('latin1'));
  }

  readRow(key: RecordKey): IndexRow | undefined {
    const state = this.readRecord(key);
    return state && { key, ballot: state.ballot, live: state.live, summary: state.summary };
  }

  /** Never settles when the process dies first. */
  writeRecord(key: RecordKey, state: AcceptedState): Promise<void> {
    return new Promise((resolve) => this.#disk.append(key.toString('latin1'), state, resolve));
  }

  raiseCeiling(clock: number): Promise<void> {
    return new Promise((resolve) => this.#disk.raiseCeiling(clock, resolve));
  }

  sums(shard: Buffer): ShardSums {
    const sums = new RunningSums();
    for (const [name, state] of this.#disk.durable()) {
      const key = Buffer.from(name, 'latin1');
      if (key.subarray(0, shard.length).equals(shard)) sums.add(key, state);
    }
    return sums.value;
  }

  async rows(range: RowRange): Promise<IndexRow[]> {
    const rows: IndexRow[] = [];
    for (const [name, { ballot, live, summary }] of this.#disk.durable()) {
      const key = asRecordKey(Buffer.from(name, 'latin1'));
      if (key.compare(range.from) >= 0 && key.compare(range.to) < 0)
        rows.push({ key, ballot, live, summary });
    }
    return rows.sort((a, b) => a.key.compare(b.key)).slice(0, range.limit);
  }

  async purgeRecord(): Promise<void> {
    throw notSimulated();
  }

  async dropRecord(key: RecordKey): Promise<void> {
    this.#disk.remove(key.toString('latin1'));
  }

  async createBlob(): Promise<never> {
    throw notSimulated();
  }

  async openBlob(): Promise<never> {
    throw notSimulated();
  }

  async deleteBlob(): Promise<never> {
    throw notSimulated();
  }

  async listBlobs(): Promise<never> {
    throw notSimulated();
  }

  async blobIds(): Promise<BlobId[]> {
    return [];
  }

  async usage(): Promise<never> {
    throw notSimulated();
  }

  async close(): Promise<void> {}
}

function notSimulated(): HoldfastError {
  return new HoldfastError('invalid-argument', 'a simulated device keeps records alone');
}
