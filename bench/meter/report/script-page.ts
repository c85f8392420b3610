/** The tables, the page and the rows of a script. */
import type { ScriptDocument } from '../agents/script-document.ts';
import { textTable } from '../../report/text-table.ts';
import { formatFigure } from '../../load/units.ts';
import { pageHtml, tableHtml } from './html-page.ts';
import { csvLines, type OutputFiles, type OutputForms, writeOutputs } from './outputs.ts';
import { type ScriptRow, scriptRows } from './script-rows.ts';
import { surroundings } from './surroundings.ts';

const HEADER = [
  'step',
  'mode',
  'while',
  'streams',
  'late',
  'MiB/s',
  'p99 ms',
  'worst ms',
  'meter, of a core',
  'notes',
];
const NOTHING = '–';

function cells(row: ScriptRow): string[] {
  const figure = (value: number | null): string => (value === null ? '' : formatFigure(value));
  const measured = row.validity !== '';
  const streams = row.streams === null && row.mode === 'search' ? NOTHING : String(row.streams ?? '');
  return [
    row.step,
    row.mode,
    row.fault === '' && row.mode === 'search' ? 'healthy' : row.fault,
    streams,
    String(row.framesLate ?? ''),
    figure(row.mebibytesPerS),
    figure(row.latencyMsP99),
    figure(row.worstFrameMs),
    row.meterShare === null ? '' : `${(row.meterShare * 100).toFixed(0)} %`,
    [...(measured ? [row.validity] : []), ...(row.notes === '' ? [] : [row.notes])].join('; '),
  ];
}

export function scriptTable(document: ScriptDocument): string {
  return textTable(HEADER, scriptRows(document).map(cells));
}

export interface CrossTable {
  readonly header: string[];
  readonly lines: string[][];
}

/** Streams of searches: entries of the first list of `each` down, those of the second with their faults across. */
export function crossTable(document: ScriptDocument): CrossTable | undefined {
  const rows = scriptRows(document).filter(({ mode, place }) => mode === 'search' && place.length === 2);
  if (rows.length === 0) return undefined;
  const columnOf = ({ place, fault }: ScriptRow): string =>
    fault === '' ? (place[1] ?? '') : `${place[1] ?? ''}, ${fault}`;
  const columns = [...new Set(rows.map(columnOf))];
  const lines = [...Map.groupBy(rows, ({ place }) => place[0] ?? '')].map(([down, same]) => [
    down,
    ...columns.map((column) => {
      const row = same.find((one) => columnOf(one) === column);
      if (row === undefined) return '';
      const doubt = row.validity === 'valid' ? '' : ` (${row.validity})`;
      const least = row.notes === '' || row.streams === null ? '' : '≥ ';
      return `${least}${row.streams ?? NOTHING}${doubt}`;
    }),
  ]);
  return { header: ['', ...columns], lines };
}

function markdownTable(header: readonly string[], lines: readonly (readonly string[])[]): string {
  const line = (texts: readonly string[]): string =>
    `| ${texts.map((text) => text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ')).join(' | ')} |\n`;
  return line(header) + line(header.map(() => '---')) + lines.map(line).join('');
}

export function scriptMarkdown(document: ScriptDocument): string {
  const { machine, startedAt, finishedAt } = document;
  const cross = crossTable(document);
  const across =
    cross === undefined ? '' : `Streams with no late frame:\n\n${markdownTable(cross.header, cross.lines)}\n`;
  const where = `${machine.processors} × ${machine.processor}, ${machine.kernel}, Node ${machine.node}`;
  const caches = new Map(
    document.steps.flatMap(({ result }) =>
      result !== null && 'schema' in result && result.target !== null
        ? [[result.target.url.split(' at ').at(-1) ?? '', result.target] as const]
        : [],
    ),
  );
  const targets = [...caches.values()].map(
    ({ protocol, caches: cached, durability }) => `- ${protocol}: ${cached}; ${durability}\n`,
  );
  return `${across}${markdownTable(HEADER, scriptRows(document).map(cells))}
${where}; ${startedAt} to ${finishedAt ?? 'not finished'}. ${scriptVerdict(document).replaceAll('\n', ' ')}.

${[...new Set(targets)].join('')}`;
}

export function scriptVerdict({ agents, steps, valid, stopped, invalidReasons }: ScriptDocument): string {
  const lost = agents.filter((agent) => agent.lost !== null);
  const who = agents.length === 0 ? 'this machine' : `${agents.length} agents`;
  const gone =
    lost.length === 0
      ? ''
      : `; LOST: ${lost.map(({ address, lost: why }) => `${address} (${why ?? ''})`).join(', ')}`;
  const doubt = valid ? '' : `\nNOT VALID: ${invalidReasons.join(' ') || (stopped ?? 'not complete')}`;
  return `${steps.length} steps by ${who}${gone}${doubt}`;
}

const scriptForms: OutputForms<ScriptDocument> = {
  csv: (document) => csvLines(HEADER, scriptRows(document).map(cells)),
  html: (document) => {
    const cross = crossTable(document);
    const across =
      cross === undefined
        ? []
        : [{ title: 'Streams with no late frame', html: tableHtml(cross.header, cross.lines) }];
    const agents = document.agents.map((one) => [
      one.address,
      one.host,
      one.processor,
      one.clockAheadMs?.toFixed(3),
      one.clockUncertaintyMs?.toFixed(3),
      one.lost,
    ]);
    const agentsHeader = ['address', 'host', 'processor', 'clock ahead ms', 'give or take ms', 'lost'];
    return pageHtml({
      title: 'Media storage meter: a script',
      verdict: scriptVerdict(document),
      outcome: document.valid ? 'good' : 'doubtful',
      sections: [
        ...across,
        { title: 'Steps', html: tableHtml(HEADER, scriptRows(document).map(cells)) },
        ...(agents.length === 0 ? [] : [{ title: 'Agents', html: tableHtml(agentsHeader, agents) }]),
        ...surroundings(document),
      ],
    });
  },
};

export interface ScriptOutputFiles extends OutputFiles {
  readonly markdown?: string | undefined;
}

export function writeScriptOutputs(document: ScriptDocument, files: ScriptOutputFiles): void {
  writeOutputs(document, files, scriptForms, [files.markdown, () => scriptMarkdown(document)]);
}
