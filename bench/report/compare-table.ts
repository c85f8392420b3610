/** Two runs side by side: ratios by cell, B over A. */
import { formatBytes } from '../load/units.ts';
import type { LoadDocument, Row } from './document.ts';
import { cellTitle } from './load-table.ts';
import { byCell, type CellRows, medianOf } from './median.ts';
import { textTable } from './text-table.ts';

type Figure = (row: Row) => number | null | undefined;

/** Title and figure; the last four are costs: below 1 is better. */
const FIGURES: readonly (readonly [string, Figure])[] = [
  ['op/s', (row) => row.operationsPerS],
  ['MiB/s', (row) => (row.bytes === 0 ? null : row.mebibytesPerS)],
  ['p50', (row) => row.latencyMs.p50],
  ['p99', (row) => row.latencyMs.p99],
  ['server CPU/op', (row) => row.server?.cpuMsPerOperation],
  ['CPU/GiB', (row) => row.server?.cpuSPerGiB],
];

/** `×1.53`; `-` where either side has no such figure. */
export function ratioText(a: number | undefined, b: number | undefined): string {
  if (a === undefined || b === undefined || a === 0) return '-';
  return `×${(b / a).toFixed(2)}`;
}

/** Why a ratio should not be believed, in the order of A and B. */
function notesOf(a: CellRows | undefined, b: CellRows | undefined): string {
  if (b === undefined) return 'only in A';
  if (a === undefined) return 'only in B';
  const notes: string[] = [];
  for (const [name, cell] of [
    ['A', a],
    ['B', b],
  ] as const) {
    if (!cell.rows.some((row) => row.valid))
      notes.push(`${name} not valid: ${cell.rows[0]?.invalidReasons.join(' ')}`);
    const errors = cell.rows.reduce((sum, row) => sum + row.errors, 0);
    if (errors > 0) notes.push(`${errors} errors in ${name}`);
  }
  return notes.join(', ');
}

export function compareTable(a: LoadDocument, b: LoadDocument): string {
  const cellsOfA = byCell(a.rows);
  const cellsOfB = byCell(b.rows);
  const ofA = new Map(cellsOfA.map((cell) => [cell.key, cell]));
  const ofB = new Map(cellsOfB.map((cell) => [cell.key, cell]));
  const keys = new Set([...ofA.keys(), ...ofB.keys()]);
  const lines = [...keys].flatMap((key) => {
    const cellA = ofA.get(key);
    const cellB = ofB.get(key);
    const first = (cellA ?? cellB)?.rows[0];
    if (first === undefined) return [];
    const ratios = FIGURES.map(([, figure]) =>
      ratioText(cellA && medianOf(cellA, figure), cellB && medianOf(cellB, figure)),
    );
    return [
      [
        cellTitle(first),
        formatBytes(first.sizeBytes),
        String(first.concurrency),
        ...ratios,
        notesOf(cellA, cellB),
      ],
    ];
  });
  return textTable(['operation', 'size', 'clients', ...FIGURES.map(([title]) => title), 'notes'], lines);
}

/** What makes the two runs unlike before a server was even asked; one line each. */
export function unlikeness(a: LoadDocument, b: LoadDocument): string[] {
  const lines: string[] = [];
  for (const [name, document] of [
    ['A', a],
    ['B', b],
  ] as const)
    if (!document.complete) lines.push(`${name} is not complete: ${document.stopped ?? 'it was cut off'}`);
  if (a.machine.processor !== b.machine.processor || a.machine.processors !== b.machine.processors)
    lines.push(`the machines differ: ${a.machine.processor}, ${b.machine.processor}`);
  const speed = b.machine.md5MiBPerS / a.machine.md5MiBPerS;
  if (speed < 0.9 || speed > 1.1)
    lines.push(`one core ran at ×${speed.toFixed(2)} of A's speed when B began (MD5)`);
  return lines;
}
