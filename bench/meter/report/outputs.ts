/** Where results go besides the terminal. */
import { errorText } from '#common/errors.ts';
import type { MeterDocument } from './meter-document.ts';
import { tryWriting, writeWhole } from './meter-document.ts';

export const OUTPUT_OPTIONS = {
  json: { type: 'string' },
  html: { type: 'string' },
  csv: { type: 'string' },
} as const;

export const OUTPUT_USAGE = `  --json FILE             the whole result; docs/meter.md explains it
  --html FILE             one page with charts, for reading and printing
  --csv FILE              the rows
`;

export interface OutputFiles {
  readonly json?: string | undefined;
  readonly html?: string | undefined;
  readonly csv?: string | undefined;
}

export interface OutputForms<Document extends MeterDocument> {
  csv(document: Document): string;
  html(document: Document): string;
}

/** Throws `invalid-argument` where one of the files could not be written: before anything is measured. */
export function tryOutputs(files: OutputFiles, ...others: readonly (string | undefined)[]): void {
  for (const path of [files.json, files.csv, files.html, ...others]) if (path !== undefined) tryWriting(path);
}

/** What cannot be written, the others being written all the same; undefined when all were. */
function failureOf(writes: readonly (readonly [string | undefined, () => string])[]): string | undefined {
  const failures = writes.flatMap(([path, text]) => {
    try {
      if (path !== undefined) writeWhole(path, text());
      return [];
    } catch (error) {
      return [errorText(error)];
    }
  });
  return failures[0];
}

/**
 * Writes what is asked for, as the document stands. While it is measured, what cannot be written is left: the end tells
 * of it, and takes nothing from the result that is shown.
 */
export function writeOutputs<Document extends MeterDocument>(
  document: Document,
  files: OutputFiles,
  forms: OutputForms<Document>,
  ...others: readonly (readonly [string | undefined, () => string])[]
): void {
  const failure = failureOf([
    [files.json, () => `${JSON.stringify(document, null, 2)}\n`],
    [files.csv, () => forms.csv(document)],
    [files.html, () => forms.html(document)],
    ...others,
  ]);
  if (failure === undefined || document.finishedAt === null) return;
  document.complete = false;
  document.stopped = document.stopped === null ? failure : `${document.stopped}; ${failure}`;
}

/** RFC 4180: fields with commas, quotes or breaks are quoted. */
export function csvLines(header: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const cell = (value: unknown): string => {
    const text =
      typeof value === 'string' ? value : value === null || value === undefined ? '' : JSON.stringify(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [header, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}
