/** Traces of operations: a line `ms,operation,name,bytes` each, with a header. */
import { readFileSync } from 'node:fs';
import { errorText, HoldfastError } from '#common/errors.ts';
import { csvLines } from '../report/outputs.ts';
import { operationNames, type TraceEntry } from './ops-order.ts';

const ENTRIES_MAX = 2_000_000;
const HEADER = ['ms', 'operation', 'name', 'bytes'] as const;

function entryOf(line: string, at: number, path: string): TraceEntry {
  const [ms = '', operation = '', name = '', sizeBytes = '0'] = line.split(',');
  const found = operationNames.find((one) => one === operation.trim());
  const entry = { atMs: Number(ms), name: name.trim(), sizeBytes: Number(sizeBytes) };
  if (
    found === undefined ||
    !(entry.atMs >= 0) ||
    ms.trim() === '' ||
    !Number.isInteger(entry.sizeBytes) ||
    entry.sizeBytes < 0
  )
    throw new HoldfastError('invalid-argument', `${path}, line ${at + 1}: not \`ms,operation,name,bytes\``);
  return { ...entry, operation: found };
}

/** In order of time. Throws `invalid-argument` with the line that is wrong. */
export function readTrace(path: string): TraceEntry[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new HoldfastError('invalid-argument', `cannot read ${path}: ${errorText(error)}`, { cause: error });
  }
  const lines = text.split(/\r?\n/);
  const entries = lines.flatMap((line, at) =>
    line.trim() === '' || (at === 0 && line.startsWith('ms,')) ? [] : [entryOf(line, at, path)],
  );
  if (entries.length === 0 || entries.length > ENTRIES_MAX)
    throw new HoldfastError(
      'invalid-argument',
      `${path} has ${entries.length} operations, not 1 to ${ENTRIES_MAX}`,
    );
  return entries.toSorted((a, b) => a.atMs - b.atMs);
}

export function traceText(entries: readonly TraceEntry[]): string {
  const rows = entries.map(({ atMs, operation, name, sizeBytes }) => [
    atMs.toFixed(3),
    operation,
    name,
    sizeBytes,
  ]);
  return csvLines(HEADER, rows);
}
