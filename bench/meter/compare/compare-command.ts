/** `holdfast meter compare`: what changed between two results, and whether that is more than noise. */
import { type Command, exitCodes } from '#common/command-line.ts';
import { errorText, HoldfastError } from '#common/errors.ts';
import { formatFigure } from '../../load/units.ts';
import { textTable } from '../../report/text-table.ts';
import { type MeterDocument, readMeterDocument } from '../report/meter-document.ts';
import { type Difference, differenceOf } from './interval.ts';
import { type Figure, gathered } from './samples.ts';

const COMPARE_USAGE = `Usage: holdfast meter compare A.json B.json

Compares figure by figure, and says which differences are larger than the noise: 95 % confidence, from the repeats of each
(--repeat). Each side may be several results with commas between: A1.json,A2.json B1.json,B2.json
`;

/** Settings that make two results answers to different questions. */
const QUESTION = [
  'codec',
  'framesPerS',
  'frameBytes',
  'layout',
  'preBufferFrames',
  'readAheadFrames',
  'deadlineMs',
  'durationMs',
  'patterns',
];

function signed(value: number): string {
  return `${value > 0 ? '+' : ''}${formatFigure(value)}`;
}

/** In words; '' where nothing can be said. */
export function judgement(figure: Pick<Figure, 'better'>, difference: Difference): string {
  if (difference.interval === null) return 'one run only: noise not known';
  if (difference.significant !== true) return 'within the noise';
  const more = difference.meanB > difference.meanA;
  return more === (figure.better === 'more') ? 'BETTER' : 'WORSE';
}

export function compareText(a: readonly MeterDocument[], b: readonly MeterDocument[]): string {
  const figuresOfB = new Map(gathered(b).map((figure) => [figure.name, figure]));
  const lines = gathered(a).flatMap((figure) => {
    const other = figuresOfB.get(figure.name);
    if (other === undefined || figure.samples.length === 0 || other.samples.length === 0) return [];
    const difference = differenceOf(figure.samples, other.samples);
    const { meanA, meanB, interval } = difference;
    const ratio = meanA === 0 ? '-' : `×${(meanB / meanA).toFixed(2)}`;
    const range = interval === null ? '-' : `${signed(interval[0])} … ${signed(interval[1])}`;
    return [
      [figure.name, formatFigure(meanA), formatFigure(meanB), ratio, range, judgement(figure, difference)],
    ];
  });
  return textTable(['figure', 'A', 'B', 'B/A', 'B − A, 95 %', 'what it is'], lines);
}

/** What makes the two unlike before a figure is looked at; one line each. */
export function unlikeness(a: MeterDocument, b: MeterDocument): string[] {
  const lines: string[] = [];
  for (const name of QUESTION) {
    const [left, right] = [JSON.stringify(a.settings[name]), JSON.stringify(b.settings[name])];
    if (left !== right) lines.push(`${name} differs: ${left} and ${right}`);
  }
  const describe = ({ machine }: MeterDocument) => `${machine.processors} × ${machine.processor}`;
  if (describe(a) !== describe(b)) lines.push(`the machines differ: ${describe(a)}, ${describe(b)}`);
  const speed = b.machine.md5MiBPerS / a.machine.md5MiBPerS;
  if (speed < 0.9 || speed > 1.1)
    lines.push(`one core ran at ×${speed.toFixed(2)} of the first's speed when another began (MD5)`);
  return lines;
}

/** A line for each result of a side that says nothing of the storage. */
function doubts(side: string, paths: readonly string[], documents: readonly MeterDocument[]): string[] {
  return documents.flatMap(({ valid, invalidReasons, stopped }, at) => {
    if (valid) return [];
    const which = documents.length === 1 ? side : `${side} (${paths[at]})`;
    return [`${which} is not valid: ${invalidReasons.join(' ') || (stopped ?? 'not complete')}`];
  });
}

/** Throws `invalid-argument` where the results are not of one kind, or of one that has no figures of its own. */
function requireAlike(documents: readonly MeterDocument[]): void {
  const schemas = new Set(documents.map(({ schema }) => schema));
  if (schemas.size > 1)
    throw new HoldfastError('invalid-argument', 'they are not all results of the same command');
  if (schemas.has('holdfast-meter-script'))
    throw new HoldfastError(
      'invalid-argument',
      'results of scripts are many at once: compare those of commands',
    );
}

export const compareCommand: Command = (args, io) => {
  if (args.includes('--help') || args.includes('-h')) {
    io.out.write(COMPARE_USAGE);
    return Promise.resolve(exitCodes.ok);
  }
  const option = args.find((arg) => arg.startsWith('-'));
  const [left, right] = args;
  if (option !== undefined || left === undefined || right === undefined || args.length > 2) {
    io.err.write(
      `holdfast meter compare: ${option === undefined ? 'two results are needed' : `unknown option ${option}`}\n`,
    );
    return Promise.resolve(exitCodes.usage);
  }
  try {
    const [pathsOfA, pathsOfB] = [left.split(','), right.split(',')];
    const [a, b] = [pathsOfA.map(readMeterDocument), pathsOfB.map(readMeterDocument)];
    requireAlike([...a, ...b]);
    const [first, ...others] = [...a, ...b] as [MeterDocument, ...MeterDocument[]];
    // Each is held against the first: repeats of a side may be unlike too.
    const unlike = new Set(others.flatMap((other) => unlikeness(first, other)));
    for (const line of [...unlike, ...doubts('A', pathsOfA, a), ...doubts('B', pathsOfB, b)])
      io.out.write(`Note: ${line}\n`);
    io.out.write(compareText(a, b));
    return Promise.resolve(exitCodes.ok);
  } catch (error) {
    io.err.write(`holdfast meter compare: ${errorText(error)}\n`);
    return Promise.resolve(exitCodes.usage);
  }
};
