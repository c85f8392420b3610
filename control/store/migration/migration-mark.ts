/** What a migration leaves in its stores: docs/formats/control-store.md, "Migration". */
import { HoldfastError } from '#common/errors.ts';
import type { Randomness } from '#common/io/randomness.ts';
import { getEntry, update } from '../operations.ts';
import type { Entry, Store } from '../store.ts';

export const MIGRATION_PREFIX = 'migration/';
export const TARGET_KEY = `${MIGRATION_PREFIX}target`;
const SOURCE_KEY = `${MIGRATION_PREFIX}source`;
/** What fences of this store begin above: those that were given out in the stores before it. */
export const FENCE_KEY = `${MIGRATION_PREFIX}fence`;

export interface TargetMark {
  readonly state: 'copying' | 'done';
  readonly source: string;
}

/** @throws `format-invalid` */
export function readTargetMark({ value }: Entry): TargetMark {
  try {
    const mark: unknown = JSON.parse(value.toString());
    if (typeof mark === 'object' && mark !== null && 'state' in mark && 'source' in mark) {
      const { state, source } = mark;
      if ((state === 'copying' || state === 'done') && typeof source === 'string') return { state, source };
    }
  } catch {
    // Told below.
  }
  throw new HoldfastError('format-invalid', `${TARGET_KEY} is not what a migration writes`);
}

export function writeTargetMark(mark: TargetMark): Buffer {
  return Buffer.from(JSON.stringify(mark));
}

/** The id by which a migration knows its source again. */
export async function sourceId(store: Store, randomness: Randomness): Promise<string> {
  const made = Buffer.from(randomness.bytes(16).toString('hex'));
  const stands = await update(store, SOURCE_KEY, (entry) => (entry === undefined ? made : undefined));
  return (stands ?? made).toString();
}

/** @throws `format-invalid` */
export function readFenceBase(entry: Entry | undefined): number {
  if (entry === undefined) return 0;
  const base = Number(entry.value.toString());
  if (!Number.isSafeInteger(base) || base < 0)
    throw new HoldfastError('format-invalid', `${FENCE_KEY} is not what a migration writes`);
  return base;
}

/** A store that a migration has not finished is not one to serve from. @throws `data-in-use` */
export async function refuseHalfMigrated(store: Store): Promise<void> {
  const entry = await getEntry(store, TARGET_KEY);
  if (entry !== undefined && readTargetMark(entry).state === 'copying')
    throw new HoldfastError(
      'data-in-use',
      'a migration to this control store is not finished: run `holdfast control migrate` again',
    );
}
