/**
 * Rows that listings read last, in order, so that reading them again costs no call into LevelDB. They lie in runs: a run holds every
 * row of the device from one key up to another. What changes is changed in the run that covers it; what was used least goes
 * first.
 */
import { SHARD_PREFIX_BYTES, asRecordKey } from '#common/codec/record-key.ts';
import type { IndexRow } from './device-engine.ts';

/** A run that has more is not made longer. */
const RUN_ROWS_MAX = 2048;
/** A listing of less is not worth a run. */
const RUN_ROWS_MIN = 16;
/** What a row takes in memory beside its summary and key, which is there as a string too; about. */
const ROW_OVERHEAD_BYTES = 500;

/** Keys are Latin-1 strings, which sort as their bytes do. */
interface Run {
  readonly owner: RowRuns;
  readonly from: string;
  /** Excluded. */
  to: string;
  readonly names: string[];
  readonly rows: IndexRow[];
  bytes: number;
}

/** What the runs of several devices may take together. */
export class RunsBudget {
  readonly bytesMax: number;
  bytes = 0;
  /** Runs, what was used last at the end. */
  readonly used = new Set<Run>();

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  evict(): void {
    for (const run of this.used) {
      if (this.bytes <= this.bytesMax) return;
      run.owner.drop(run);
    }
  }
}

/** A range that is being read from the index. */
export interface Loading {
  readonly from: string;
  readonly to: string;
  /** Whether a row in it has changed since. */
  isStale: boolean;
}

export class RowRuns {
  readonly #budget: RunsBudget;
  /** In order of keys; no two overlap. */
  readonly #runs: Run[] = [];
  readonly #loading = new Set<Loading>();

  constructor(budget: RunsBudget) {
    this.#budget = budget;
  }

  /**
   * Appends what is known of the rows from ≤ key < to, without a gap, until `into` has `limit`.
   * @returns the key from which on nothing is known, and how far that is so; undefined when nothing is left to be known.
   */
  read(
    from: string,
    to: string,
    limit: number,
    into: IndexRow[],
  ): { readonly from: string; readonly to: string } | undefined {
    let at = from;
    for (let index = this.#behind(at) - 1; at < to && into.length < limit; index += 1) {
      const run = this.#runs[index];
      if (run === undefined || at < run.from || at >= run.to) break;
      this.#budget.used.delete(run);
      this.#budget.used.add(run);
      let row = lowerBound(run.names, at);
      for (; row < run.rows.length && into.length < limit; row += 1) {
        if ((run.names[row] as string) >= to) return undefined;
        into.push(run.rows[row] as IndexRow);
      }
      at = run.to;
    }
    if (at >= to || into.length >= limit) return undefined;
    const next = this.#runs[this.#behind(at)];
    return { from: at, to: next !== undefined && next.from < to ? next.from : to };
  }

  /** Call it in the turn in which the rows are read, and `loaded` or `failed` when they are there. */
  begin(from: string, to: string): Loading {
    const loading = { from, to, isStale: false };
    this.#loading.add(loading);
    return loading;
  }

  failed(loading: Loading): void {
    this.#loading.delete(loading);
  }

  /** @param isWhole whether these are all rows of the range, and not only its first. */
  loaded(loading: Loading, rows: readonly IndexRow[], isWhole: boolean): void {
    this.#loading.delete(loading);
    if (loading.isStale) return;
    const names = rows.map(({ key }) => key.toString('latin1'));
    const last = names.at(-1);
    const to = isWhole || last === undefined ? loading.to : `${last}\0`;
    const index = this.#behind(loading.from);
    const before = this.#runs[index - 1];
    const next = this.#runs[index];
    // Another listing was quicker.
    if ((before !== undefined && before.to > loading.from) || (next !== undefined && next.from < to)) return;
    let bytes = 0;
    for (const row of rows) bytes += bytesOf(row);
    if (before?.to === loading.from && before.rows.length < RUN_ROWS_MAX) {
      before.to = to;
      for (const name of names) before.names.push(name);
      for (const row of rows) before.rows.push(kept(row));
      before.bytes += bytes;
    } else {
      if (rows.length < RUN_ROWS_MIN) return;
      const run = { owner: this, from: loading.from, to, names, rows: rows.map(kept), bytes };
      this.#runs.splice(index, 0, run);
      this.#budget.used.add(run);
    }
    this.#budget.bytes += bytes;
    this.#budget.evict();
  }

  /** The row of a key is another now; null when it is gone. */
  change(name: string, row: Omit<IndexRow, 'key'> | null): void {
    for (const loading of this.#loading) {
      if (name >= loading.from && name < loading.to) loading.isStale = true;
    }
    if (this.#runs.length === 0) return;
    const run = this.#runs[this.#behind(name) - 1];
    if (run === undefined || name >= run.to) return;
    const at = lowerBound(run.names, name);
    const before = run.names[at] === name ? run.rows[at] : undefined;
    if (before !== undefined) this.#count(run, before, -1);
    if (row === null) {
      if (before === undefined) return;
      run.names.splice(at, 1);
      run.rows.splice(at, 1);
      return;
    }
    const { ballot, live, summary } = row;
    const key = before?.key ?? asRecordKey(Buffer.from(name, 'latin1'));
    const after = kept({ key, ballot, live, summary });
    this.#count(run, after, 1);
    if (before !== undefined) {
      run.rows[at] = after;
    } else {
      run.names.splice(at, 0, name);
      run.rows.splice(at, 0, after);
      if (run.rows.length > 2 * RUN_ROWS_MAX) this.drop(run);
    }
    this.#budget.evict();
  }

  #count(run: Run, row: IndexRow, by: 1 | -1): void {
    const bytes = by * bytesOf(row);
    run.bytes += bytes;
    this.#budget.bytes += bytes;
  }

  /** Forgets all: the device is closed. */
  clear(): void {
    for (const run of [...this.#runs]) this.drop(run);
  }

  /** The index of the first run that begins behind the key. */
  #behind(key: string): number {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#runs[middle] as Run).from <= key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Forgets a run of this device. */
  drop(run: Run): void {
    this.#budget.bytes -= run.bytes;
    this.#budget.used.delete(run);
    this.#runs.splice(this.#behind(run.from) - 1, 1);
  }
}

/** In memory of its own, and little of it: what LevelDB gives has an ArrayBuffer for every key and value. */
function kept({ key, ballot, live, summary }: IndexRow): IndexRow {
  const bytes = Buffer.allocUnsafe(key.length + summary.length);
  bytes.set(key);
  bytes.set(summary, key.length);
  return {
    key: asRecordKey(bytes.subarray(0, key.length)),
    name: bytes.subarray(SHARD_PREFIX_BYTES, key.length),
    ballot,
    live,
    summary: bytes.subarray(key.length),
    witness: undefined,
  };
}

function bytesOf(row: IndexRow): number {
  return ROW_OVERHEAD_BYTES + 2 * row.key.length + row.summary.length;
}

/** The index of the first name that is not below `name`. */
function lowerBound(names: readonly string[], name: string): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((names[middle] as string) < name) low = middle + 1;
    else high = middle;
  }
  return low;
}
