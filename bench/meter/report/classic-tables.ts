/** The tables of a classic run: MSMeter's three, and the percentiles of each I/O beside them. */
import { formatBytes, formatFigure } from '../../load/units.ts';
import { textTable } from '../../report/text-table.ts';
import { accessModes } from '../classic/access.ts';
import type { ClassicDocument } from '../classic/classic-document.ts';
import type { ClassicCell } from '../classic/classic-tally.ts';
import { surroundings } from './surroundings.ts';
import { chartHtml, pageHtml, type Section, tableHtml } from './html-page.ts';
import { csvLines, type OutputForms } from './outputs.ts';

interface Table {
  readonly title: string;
  readonly figure: (cell: ClassicCell) => number | null;
}

const TABLES: readonly Table[] = [
  { title: 'average transfer rates, Mbytes/s', figure: (cell) => cell.megabytesPerS },
  { title: 'average latency, ms', figure: (cell) => cell.latencyMsAverage },
  { title: 'maximum latency, s', figure: (cell) => cell.latencyMsMax / 1000 },
  { title: 'each I/O, median, ms', figure: (cell) => cell.ioMs?.p50 ?? null },
  { title: 'each I/O, 99th percentile, ms', figure: (cell) => cell.ioMs?.p99 ?? null },
  { title: 'each I/O, 99.99th percentile, ms', figure: (cell) => cell.ioMs?.p9999 ?? null },
  { title: 'each I/O, longest, ms', figure: (cell) => cell.ioMs?.max ?? null },
];

function header(document: ClassicDocument): string[] {
  const sizes = [...new Set(document.cells.map(({ blockBytes }) => blockBytes))];
  return ['mode', ...sizes.map((bytes) => (bytes === null ? 'all' : formatBytes(bytes).replace('iB', '')))];
}

function rows(document: ClassicDocument, { figure }: Table): string[][] {
  return [...accessModes, null].map((mode) => [
    mode ?? 'all',
    ...document.cells
      .filter((cell) => cell.mode === mode)
      .map((cell) => (cell.accesses === 0 ? '-' : formatFigure(figure(cell) ?? Number.NaN))),
  ]);
}

export function classicText(document: ClassicDocument): string {
  return TABLES.map((table) => `${table.title}\n${textTable(header(document), rows(document, table))}`).join(
    '\n',
  );
}

export function classicVerdict(document: ClassicDocument): string {
  const { accesses, bytes, elapsedS, target, valid, invalidReasons } = document;
  const doubt = valid
    ? ''
    : ` (NOT VALID: ${invalidReasons.join(' ') || (document.stopped ?? 'not complete')})`;
  const where = target === null ? '' : `\n${target.protocol}: ${target.caches}; ${target.durability}.`;
  return `${accesses} accesses, ${formatBytes(bytes)} in ${elapsedS} s${doubt}${where}`;
}

const CSV_COLUMNS = [
  'mode',
  'blockBytes',
  'accesses',
  'bytes',
  'accessMs',
  'megabytesPerS',
  'latencyMsAverage',
  'latencyMsMax',
] as const;

function windowsSection({ windows, settings }: ClassicDocument): Section {
  const windowS = Number(settings['windowMs']) / 1000;
  const chart = chartHtml({
    title: `Rate in windows of ${windowS * 1000} ms`,
    xLabel: 's',
    x: windows.map(({ fromMs }) => fromMs / 1000),
    yLabel: 'MB/s',
    series: [
      {
        label: 'MB/s',
        color: '#1c6e8c',
        values: windows.map(({ bytes }) => Number((bytes / windowS / 1e6).toFixed(2))),
      },
    ],
  });
  const longest = chartHtml({
    title: 'Longest I/O in each window',
    xLabel: 's',
    x: windows.map(({ fromMs }) => fromMs / 1000),
    yLabel: 'ms',
    series: [
      { label: 'ms', color: '#c0392b', values: windows.map(({ ioMsMax }) => Number(ioMsMax.toFixed(3))) },
    ],
  });
  return { title: 'Over time', html: chart + longest };
}

export const classicForms: OutputForms<ClassicDocument> = {
  csv: ({ cells }) =>
    csvLines(
      [...CSV_COLUMNS, 'ioMsP50', 'ioMsP99', 'ioMsP9999', 'ioMsMax'],
      cells.map((cell) => [
        ...CSV_COLUMNS.map((column) => cell[column] ?? 'all'),
        cell.ioMs?.p50,
        cell.ioMs?.p99,
        cell.ioMs?.p9999,
        cell.ioMs?.max,
      ]),
    ),
  html: (document) =>
    pageHtml({
      title: 'Media storage meter: tables by mode and block size',
      verdict: classicVerdict(document),
      outcome: document.valid ? 'good' : 'doubtful',
      sections: [
        ...TABLES.map((table) => ({
          title: table.title.replace(/^./, (first) => first.toUpperCase()),
          html: tableHtml(header(document), rows(document, table)),
        })),
        windowsSection(document),
        ...surroundings(document),
      ],
    }),
};
