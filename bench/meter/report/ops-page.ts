/** The table, the page and the rows of a run of operations. */
import { formatFigure } from '../../load/units.ts';
import { textTable } from '../../report/text-table.ts';
import type { OpsDocument, OperationRow, OpsRun } from '../ops/ops-document.ts';
import { surroundings } from './surroundings.ts';
import { pageHtml, tableHtml } from './html-page.ts';
import { csvLines, type OutputForms } from './outputs.ts';
import { COLORS, latencyMap, percentileChart, rateChart } from './time-charts.ts';

const HEADER = [
  'run',
  'operation',
  'done',
  'errors',
  'op/s',
  'MiB/s',
  'p50 ms',
  'p99',
  'p99.99',
  'max',
  'notes',
];

function notes(run: OpsRun, row: OperationRow): string {
  const parts = Object.entries(row.errorsByKind).map(([kind, { count }]) => `${count} × ${kind}`);
  if (run.invalidReasons.length > 0) parts.push(`NOT VALID: ${run.invalidReasons.join(' ')}`);
  if (run.missed > 0) parts.push(`${run.missed} missed`);
  return parts.join(', ');
}

function lines({ runs }: OpsDocument): string[][] {
  const figure = (value: number | undefined): string => (value === undefined ? '-' : formatFigure(value));
  return runs.flatMap((run) =>
    run.operations.map((row) => [
      String(run.run),
      row.operation,
      String(row.operations),
      String(row.errors),
      formatFigure(row.operationsPerS),
      formatFigure(row.mebibytesPerS),
      figure(row.latencyMs?.p50),
      figure(row.latencyMs?.p99),
      figure(row.latencyMs?.p9999),
      figure(row.latencyMs?.max),
      notes(run, row),
    ]),
  );
}

export function opsTable(document: OpsDocument): string {
  return textTable(HEADER, lines(document));
}

export function opsVerdict({ runs, target, valid, invalidReasons, stopped }: OpsDocument): string {
  const last = runs.at(-1);
  const rate = last?.operations.reduce((sum, { operationsPerS }) => sum + operationsPerS, 0) ?? 0;
  const how = last?.ended === 'steady' ? ', ended by a steady rate' : '';
  const doubt = valid ? '' : ` (NOT VALID: ${invalidReasons.join(' ') || (stopped ?? 'not complete')})`;
  const where = target === null ? '' : `\n${target.protocol}: ${target.caches}; ${target.durability}.`;
  return `${formatFigure(rate)} operations a second for ${last?.elapsedS ?? 0} s${how}${doubt}${where}`;
}

export const opsForms: OutputForms<OpsDocument> = {
  csv: (document) => csvLines(HEADER, lines(document)),
  html: (document) =>
    pageHtml({
      title: 'Media storage meter: operations',
      verdict: opsVerdict(document),
      outcome: document.valid ? 'good' : 'doubtful',
      sections: [
        { title: 'Operations', html: tableHtml(HEADER, lines(document)) },
        {
          title: 'Over time (last run)',
          html:
            rateChart(document, {
              title: 'Operations a second',
              unit: 'op/s',
              series: [
                {
                  label: 'done',
                  color: COLORS[0],
                  values: document.seconds.map(({ operations }) => operations),
                },
                { label: 'errors', color: COLORS[4], values: document.seconds.map(({ errors }) => errors) },
              ],
            }) +
            rateChart(document, {
              title: 'Rate',
              unit: 'MiB/s',
              series: [
                {
                  label: 'MiB/s',
                  color: COLORS[0],
                  values: document.seconds.map(({ bytes }) => bytes / 2 ** 20),
                },
              ],
            }) +
            latencyMap(
              'Latency of operations over time',
              document.seconds.map(({ heat }) => heat),
            ),
        },
        {
          title: 'Latencies (last run)',
          html: percentileChart(
            'Latency by percentile',
            (document.runs.at(-1)?.operations ?? []).map(({ operation, histogram }) => ({
              label: operation,
              histogram,
            })),
          ),
        },
        ...surroundings(document),
      ],
    }),
};
