/** Opens a store in a folder of this machine, and reads all of it: docs/formats/control-store.md. */
import { mkdir } from 'node:fs/promises';
import { Level } from 'level';
import { HoldfastError } from '#common/errors.ts';
import { MvccState } from '../mvcc/mvcc-state.ts';
import { MvccStore, type MvccStoreOptions } from '../mvcc/mvcc-store.ts';
import type { LeaseId, Store } from '../store.ts';
import {
  corrupt,
  FORMAT,
  FORMAT_KEY,
  readLeaseKey,
  readLeaseValue,
  readStateValue,
  readVersionKey,
  readVersionValue,
  STATE_KEY,
  stateValue,
  type StoredState,
  tags,
} from './level-format.ts';
import { type Database, LevelJournal } from './level-journal.ts';

export interface LevelStoreOptions extends MvccStoreOptions {
  /** A folder; made when it is missing. */
  readonly path: string;
}

/** Everything is in memory already, so LevelDB's cache is only good for the start. */
const CACHE_BYTES = 1024 * 1024;
const WRITE_BUFFER_BYTES = 4 * 1024 * 1024;

/** @throws `data-in-use` when another process has it, `format-invalid` and `data-corrupt`. */
export async function openLevelStore(options: LevelStoreOptions): Promise<Store> {
  const database = await openDatabase(options.path);
  try {
    const stored = await readStored(database);
    const state = await readState(database, stored);
    return new MvccStore(state, new LevelJournal(database, stored.compactedRevision), options);
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function openDatabase(path: string): Promise<Database> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const database: Database = new Level<Buffer, Buffer>(path, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    cacheSize: CACHE_BYTES,
    writeBufferSize: WRITE_BUFFER_BYTES,
  });
  try {
    await database.open();
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const isLocked = cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED';
    throw new HoldfastError(
      isLocked ? 'data-in-use' : 'data-corrupt',
      `the control store in ${path} cannot be opened`,
      { cause },
    );
  }
  return database;
}

/** A new database gets its format and its first state in one batch. */
async function readStored(database: Database): Promise<StoredState> {
  const format = database.getSync(FORMAT_KEY);
  if (format === undefined) {
    for await (const _ of database.keys({ limit: 1 }))
      throw new HoldfastError('format-invalid', 'the folder of the control store holds something else');
    const stored = { revision: 1, compactedRevision: 0 };
    await database.batch(
      [
        { type: 'put', key: FORMAT_KEY, value: FORMAT },
        { type: 'put', key: STATE_KEY, value: stateValue(stored) },
      ],
      { sync: true },
    );
    return stored;
  }
  if (!format.equals(FORMAT))
    throw new HoldfastError('format-invalid', `the control store is of the format "${format.toString()}"`);
  const stored = database.getSync(STATE_KEY);
  if (stored === undefined) throw corrupt('no state');
  return readStateValue(stored);
}

async function readState(database: Database, stored: StoredState): Promise<MvccState> {
  const state = new MvccState();
  const leases = new Map<LeaseId, number>();
  for await (const [at, bytes] of database.iterator()) {
    if (at[0] === tags.version) {
      const { key, revision } = readVersionKey(at);
      if (revision > stored.revision) throw corrupt('a version beyond its revision');
      state.restore(key, readVersionValue(at, revision, bytes));
    } else if (at[0] === tags.lease) leases.set(readLeaseKey(at), readLeaseValue(at, bytes));
    else if (!at.equals(FORMAT_KEY) && !at.equals(STATE_KEY)) throw corrupt('a key of an unknown kind');
  }
  state.finishRestore(stored.revision, stored.compactedRevision, leases);
  return state;
}
