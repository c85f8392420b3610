/** The journal of a store in LevelDB: one synced batch for each group of changes. */
import type { Level } from 'level';
import type { Journal, JournalRecord } from '../mvcc/journal.ts';
import { leaseKey, leaseValue, STATE_KEY, stateValue, versionKey, versionValue } from './level-format.ts';

export type Database = Level<Buffer, Buffer>;
type BatchOperation = { type: 'put'; key: Buffer; value: Buffer } | { type: 'del'; key: Buffer };

export class LevelJournal implements Journal {
  readonly #database: Database;
  #compactedRevision: number;

  constructor(database: Database, compactedRevision: number) {
    this.#database = database;
    this.#compactedRevision = compactedRevision;
  }

  async write(records: readonly JournalRecord[], revision: number): Promise<void> {
    const operations = records.flatMap((record) => this.#operations(record));
    const value = stateValue({ revision, compactedRevision: this.#compactedRevision });
    operations.push({ type: 'put', key: STATE_KEY, value });
    await this.#database.batch(operations, { sync: true });
  }

  async close(): Promise<void> {
    await this.#database.close();
  }

  #operations(record: JournalRecord): BatchOperation[] {
    switch (record.kind) {
      case 'version': {
        const key = versionKey(record.key, record.version.revision);
        return [{ type: 'put', key, value: versionValue(key, record.version) }];
      }
      case 'dropped':
        return [{ type: 'del', key: versionKey(record.key, record.revision) }];
      case 'lease': {
        const key = leaseKey(record.id);
        return [{ type: 'put', key, value: leaseValue(key, record.ttlSeconds) }];
      }
      case 'lease-ended':
        return [{ type: 'del', key: leaseKey(record.id) }];
      case 'compacted':
        this.#compactedRevision = record.revision;
        return [];
    }
  }
}
