/** What a bulk operation tells of itself at its end (OpenStack Object Storage API, "Bulk delete", "Archive auto-extract"). */
import { escapeXml } from '#proxy/s3/xml/writer.ts';

export const reportTypes = ['text/plain', 'application/json', 'application/xml', 'text/xml'] as const;
export type ReportType = (typeof reportTypes)[number];

/** A name, percent-encoded, and the status that it met with: `404 Not Found`. */
export type ReportedError = readonly [name: string, status: string];

export interface BulkReport {
  /** `Response Status` (`200 OK`: how all of it went, whatever the answer's own), `Number Deleted` and the like. */
  readonly fields: Readonly<Record<string, number | string>>;
  readonly errors: readonly ReportedError[];
}

/** @param root the name of the XML document's element. */
export function formatReport(
  report: BulkReport,
  type: ReportType,
  root: 'delete' | 'extract' | 'upload',
): string {
  const { fields } = report;
  if (type === 'application/json') return JSON.stringify({ ...fields, Errors: report.errors });
  const names = Object.keys(fields).toSorted();
  if (type === 'text/plain') {
    const lines = names.map((name) => `${name}: ${fields[name]}\n`);
    return `${lines.join('')}Errors:\n${report.errors.map(([name, status]) => `${name}, ${status}\n`).join('')}`;
  }
  const elements = names.map((name) => {
    const tag = name.replaceAll(' ', '_').toLowerCase();
    return `<${tag}>${escapeXml(String(fields[name]))}</${tag}>\n`;
  });
  const objects = report.errors.map(
    ([name, status]) =>
      `<object><name>${escapeXml(name)}</name><status>${escapeXml(status)}</status></object>\n`,
  );
  return `<${root}>\n${elements.join('')}<errors>\n${objects.join('')}</errors>\n</${root}>\n`;
}
