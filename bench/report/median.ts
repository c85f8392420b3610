/** The rows of one cell's repeats, as one. */
import type { Row } from './document.ts';

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

/** What makes two rows repeats of the same measurement. */
export function cellKey(row: Row): string {
  const { operation, sizeBytes, concurrency, ratePerS, rangeBytes, multipartBytes } = row;
  return JSON.stringify([operation, sizeBytes, concurrency, ratePerS, rangeBytes, multipartBytes]);
}

export interface CellRows {
  readonly key: string;
  readonly rows: readonly Row[];
}

/** Cells in the order of their first rows. */
export function byCell(rows: readonly Row[]): CellRows[] {
  const cells = Map.groupBy(rows, cellKey);
  return [...cells].map(([key, cellRows]) => ({ key, rows: cellRows }));
}

/** The median of a figure over the rows that have it; undefined when none does. Rows that are not valid count only when all are. */
export function medianOf(
  cell: CellRows,
  figure: (row: Row) => number | null | undefined,
): number | undefined {
  const valid = cell.rows.filter((row) => row.valid);
  const values = (valid.length > 0 ? valid : cell.rows).flatMap((row) => figure(row) ?? []);
  return values.length === 0 ? undefined : median(values);
}
