/** The table at the end of a run: a line for each cell, medians where it was repeated. */
import { formatBytes, formatFigure } from '../load/units.ts';
import type { Row } from './document.ts';
import { byCell, type CellRows, medianOf } from './median.ts';
import { textTable } from './text-table.ts';

const HEADER = [
  'operation',
  'size',
  'clients',
  'op/s',
  'MiB/s',
  'p50 ms',
  'p90',
  'p99',
  'p99.9',
  'max',
  'errors',
  'server ms/op',
  's/GiB',
  'generator µs/op',
  'notes',
];

export function cellTitle(row: Row): string {
  const range = row.rangeBytes === null ? '' : ` range ${formatBytes(row.rangeBytes)}`;
  const parts = row.multipartBytes === null ? '' : ` parts ${formatBytes(row.multipartBytes)}`;
  const rate = row.ratePerS === null ? '' : ` at ${row.ratePerS}/s`;
  return row.operation + range + parts + rate;
}

function notesOf(cell: CellRows): string {
  const notes = new Set(
    cell.rows.flatMap((row) => row.invalidReasons.map((reason) => `NOT VALID: ${reason}`)),
  );
  for (const row of cell.rows) {
    for (const [kind, { count }] of Object.entries(row.errorsByKind)) notes.add(`${count} × ${kind}`);
    if (row.missed > 0) notes.add(`${row.missed} starts missed`);
  }
  const keysPerS = medianOf(cell, (row) => row.keysPerS);
  if (keysPerS !== undefined) notes.add(`${Math.round(keysPerS)} keys/s`);
  if (cell.rows.length > 1) notes.add(`median of ${cell.rows.length}`);
  return [...notes].join(', ');
}

function lineOf(cell: CellRows): string[] {
  const first = cell.rows[0] as Row;
  const figure = (of: (row: Row) => number | null | undefined): string => {
    const value = medianOf(cell, of);
    return value === undefined ? '-' : formatFigure(value);
  };
  return [
    cellTitle(first),
    formatBytes(first.sizeBytes),
    String(first.concurrency),
    figure((row) => row.operationsPerS),
    figure((row) => (row.bytes === 0 ? null : row.mebibytesPerS)),
    figure((row) => row.latencyMs.p50),
    figure((row) => row.latencyMs.p90),
    figure((row) => row.latencyMs.p99),
    figure((row) => row.latencyMs.p999),
    formatFigure(Math.max(...cell.rows.map((row) => row.latencyMs.max))),
    String(cell.rows.reduce((sum, row) => sum + row.errors, 0)),
    figure((row) => row.server?.cpuMsPerOperation),
    figure((row) => row.server?.cpuSPerGiB),
    figure((row) => row.generator.cpuMicrosPerOperation),
    notesOf(cell),
  ];
}

export function loadTable(rows: readonly Row[]): string {
  return textTable(HEADER, byCell(rows).map(lineOf));
}
