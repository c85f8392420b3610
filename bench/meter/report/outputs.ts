/** Where results go besides the terminal. */
import type { MeterDocument } from './meter-document.ts';
import { writeWhole } from './meter-document.ts';

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

/** Writes what is asked for, as the document stands. Throws `invalid-argument` where a file cannot be written. */
export function writeOutputs<Document extends MeterDocument>(
  document: Document,
  files: OutputFiles,
  forms: OutputForms<Document>,
): void {
  if (files.json !== undefined) writeWhole(files.json, `${JSON.stringify(document, null, 2)}\n`);
  if (files.csv !== undefined) writeWhole(files.csv, forms.csv(document));
  if (files.html !== undefined) writeWhole(files.html, forms.html(document));
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
