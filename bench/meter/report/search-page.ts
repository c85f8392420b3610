/** The page, the rows and the sentence of a search. */
import { formatFigure } from '../../load/units.ts';
import { faultName } from '../search/fault.ts';
import type { PhaseAnswer, SearchDocument, SearchStep } from '../search/search-document.ts';
import { failureNotes } from '../streams/streams-document.ts';
import { surroundings } from './surroundings.ts';
import { chartHtml, pageHtml, tableHtml } from './html-page.ts';
import { csvLines, type OutputForms } from './outputs.ts';
import { bytesChart, frameLatencies, lateChart } from './streams-page.ts';

function answerText({ streams, limitedBy, invalidReasons }: PhaseAnswer): string {
  if (invalidReasons.includes('fault-failed'))
    return 'not known (it failed, or had not ended when the step did)';
  if (invalidReasons.includes('not-confirmed')) return '0 (no number was confirmed)';
  if (invalidReasons.includes('meter-limit')) return `${streams} (at least: the meter itself was reached)`;
  return limitedBy === 'the bound' ? `${streams} (at least: the bound was reached)` : String(streams);
}

function faultText(command: string): string {
  const name = faultName(command);
  return name === command ? `\`${command}\`` : name;
}

/** What the storage said when it delivered nothing any more. */
function refusalOf({ steps }: SearchDocument): string {
  const refused = steps.find(({ invalidReasons }) => invalidReasons.includes('nothing-delivered'));
  if (refused === undefined) return '';
  const { first } = Object.values(refused.failuresByKind)[0] ?? { first: '' };
  return `\nIn step ${refused.run}, with ${refused.streams} of them, the storage delivered nothing: ${first}`;
}

export function searchVerdict(document: SearchDocument): string {
  const { healthy, faults, settings, target } = document;
  if (healthy === null) return `not finished: ${document.stopped ?? 'it was cut off'}`;
  const seconds = Number(settings['durationMs']) / 1000;
  const what = `streams of ${String(settings['codec'])} for ${seconds} s with 0 late frames`;
  // Above what a healthy storage sustains there was nothing to try.
  const ailing = faults
    .map(
      (fault) => `; while ${faultText(fault.command)}: ${answerText({ ...fault, limitedBy: 'late frames' })}`,
    )
    .join('');
  const refusal = refusalOf(document);
  const doubt = document.valid
    ? ''
    : `\nNOT VALID: ${document.invalidReasons.join(' ') || (document.stopped ?? '')}`;
  const where = target === null ? '' : `\n${target.protocol}: ${target.caches}; ${target.durability}.`;
  return `sustains ${answerText(healthy)} ${what}${ailing}${doubt}${refusal}${where}`;
}

const COLUMNS = [
  'run',
  'phase',
  'purpose',
  'streams',
  'durationMs',
  'framesTotal',
  'framesLate',
  'framesDropped',
  'worstFrameMs',
  'mebibytesPerS',
  'passed',
] as const;

const TITLES = [
  'step',
  'storage',
  'purpose',
  'streams',
  'seconds',
  'frames',
  'late',
  'dropped',
  'worst ms',
  'MiB/s',
  'outcome',
] as const;

function outcomeText({ passed, framesLate }: SearchStep): string {
  if (passed) return 'no late frame';
  return framesLate > 0 ? 'late frames' : 'says nothing';
}

function shownRows({ steps }: SearchDocument): unknown[][] {
  return steps.map((step) => [
    step.run,
    step.fault === null ? step.phase : faultName(step.fault.command),
    step.purpose,
    step.streams,
    step.durationMs / 1000,
    step.framesTotal,
    step.framesLate,
    step.framesDropped,
    formatFigure(step.worstFrameMs),
    formatFigure(step.mebibytesPerS),
    [outcomeText(step), ...step.invalidReasons, ...failureNotes(step)].join(', '),
  ]);
}

function stepRows({ steps }: SearchDocument): unknown[][] {
  return steps.map((step) => COLUMNS.map((column) => step[column]));
}

function stepsChart({ steps }: SearchDocument): string {
  return chartHtml({
    title: 'Steps of the search',
    xLabel: 'step',
    x: steps.map(({ run }) => run),
    yLabel: 'streams',
    series: [
      {
        label: 'no late frame',
        color: '#2a8a4a',
        bars: true,
        values: steps.map(({ passed, streams }) => (passed ? streams : null)),
      },
      {
        label: 'late frames',
        color: '#c0392b',
        bars: true,
        values: steps.map(({ passed, streams }) => (passed ? null : streams)),
      },
    ],
  });
}

export const searchForms: OutputForms<SearchDocument> = {
  csv: (document) => csvLines(COLUMNS, stepRows(document)),
  html: (document) =>
    pageHtml({
      title: `Media storage meter: how many streams of ${String(document.settings['codec'])}`,
      verdict: searchVerdict(document),
      outcome: document.valid && document.streams > 0 ? 'good' : 'doubtful',
      sections: [
        { title: 'The search', html: stepsChart(document) + tableHtml(TITLES, shownRows(document)) },
        {
          title: 'The run that confirmed it, over time',
          html:
            bytesChart(document) + chartHtml(lateChart(document.seconds)) + frameLatencies(document.seconds),
        },
        ...surroundings(document),
      ],
    }),
};
