/** `holdfast meter search`: the most streams with no late frame. */
import { type Command, type CommandIo, exitCodes } from '#common/command-line.ts';
import { errorText, hasCode } from '#common/errors.ts';
import { count, duration, parseOptions, share, wrong } from '../../load/option-values.ts';
import { formatFigure } from '../../load/units.ts';
import { MeterCrew } from '../crew/crew.ts';
import { LiveView } from '../report/live-view.ts';
import { newDocument, stopDocument } from '../report/meter-document.ts';
import {
  OUTPUT_OPTIONS,
  OUTPUT_USAGE,
  type OutputFiles,
  tryOutputs,
  writeOutputs,
} from '../report/outputs.ts';
import { searchForms, searchVerdict } from '../report/search-page.ts';
import { settingsShown } from '../streams/streams-command.ts';
import { Stage } from '../streams/stage.ts';
import { failureNotes, NO_STREAMS } from '../streams/streams-document.ts';
import {
  countStreams,
  STREAM_OPTIONS,
  STREAM_USAGE,
  type StreamsSettings,
  streamsSettingsOf,
} from '../streams/streams-settings.ts';
import type { TargetSpec } from '../targets/target.ts';
import { TARGET_OPTIONS, TARGET_USAGE, targetSpecOf } from '../targets/target-spec.ts';
import type { SearchDocument, SearchStep } from './search-document.ts';
import { type Fault, SearchRun, type SearchSettings } from './search-run.ts';

const STREAMS_MAX = 20_000;
const FAULTS_MAX = 10;

const SEARCH_USAGE = `Usage: holdfast meter search --target URL [options]

Finds the most streams that have no late frame: doubles their number until one is late, halves between, and confirms
what it found over the whole --duration. A step ends at its first late frame.

${TARGET_USAGE}
  --start N               streams to begin with; default 1
  --streams-max N         streams to end with; default 2000
  --step-duration TIME    of a step of the search; default 5s
  --precision SHARE       by which the answer may be below the truth; default 0.05
  --during COMMAND        then searches again while \`sh -c COMMAND\`, run when each step is warm, does its work; a
                          comment at its end (… # killed) is its name in tables; may be given several times
  --restore COMMAND       run after each of these steps; as many as --during, in the same order
${STREAM_USAGE}${OUTPUT_USAGE}`;

const OPTIONS = {
  ...TARGET_OPTIONS,
  ...STREAM_OPTIONS,
  ...OUTPUT_OPTIONS,
  start: { type: 'string' },
  'streams-max': { type: 'string' },
  'step-duration': { type: 'string' },
  precision: { type: 'string' },
  during: { type: 'string', multiple: true },
  restore: { type: 'string', multiple: true },
  help: { type: 'boolean', short: 'h' },
} as const;

function stepLine(step: SearchStep): string {
  const {
    phase,
    purpose,
    streams,
    framesLate,
    framesTotal,
    worstFrameMs,
    mebibytesPerS,
    passed,
    invalidReasons,
  } = step;
  const what = `${phase === 'during' ? 'during the fault, ' : ''}${purpose === 'confirm' ? 'confirming ' : ''}${streams} streams`;
  const notes = [...invalidReasons, ...failureNotes(step)];
  const doubt = notes.length === 0 ? '' : ` (${notes.join(', ')})`;
  return `${passed ? '✔' : '✖'} ${what}: ${framesLate} of ${framesTotal} frames late, worst ${formatFigure(worstFrameMs)} ms, ${formatFigure(mebibytesPerS)} MiB/s${doubt}\n`;
}

export interface SearchWish {
  readonly streams: StreamsSettings;
  readonly search: SearchSettings;
  readonly spec: TargetSpec;
  readonly outputs: OutputFiles;
}

function faultsOf(during: readonly string[], restore: readonly string[]): Fault[] {
  if (during.length > FAULTS_MAX) throw wrong(`--during is given ${FAULTS_MAX} times at most`);
  if (restore.length > 0 && restore.length !== during.length)
    throw wrong(`--restore is given as often as --during, or not at all`);
  return during.map((command, at) => ({ during: command, restore: restore[at] }));
}

/** What `holdfast meter search …args` asks for. Throws `invalid-argument` with one clear line. */
export async function searchWishOf(
  args: readonly string[],
  env: CommandIo['env'],
): Promise<SearchWish | 'help'> {
  const values = parseOptions(args, OPTIONS);
  if (values.help === true) return 'help';
  const streams = { ...(await streamsSettingsOf(values)), sharesClips: true };
  tryOutputs(values);
  return {
    streams,
    spec: targetSpecOf(values, env),
    search: {
      start: countStreams(values.start ?? '1'),
      most: count('streams-max', values['streams-max'] ?? '2000', 1, STREAMS_MAX),
      precision: share('precision', values.precision ?? '0.05'),
      stepMs: duration('step-duration', values['step-duration'] ?? '5s', 500),
      durationMs: streams.durationMs,
      warmupMs: streams.warmupMs,
      faults: faultsOf(values.during ?? [], values.restore ?? []),
    },
    outputs: values,
  };
}

/** Of a step, whatever the search found in the others: a storage that gives wrong bytes has failed, at any load. */
const REASONS_OF_ANY_STEP = ['content-failed', 'worker-lost', 'not-restored'];

function invalidReasonsOf({ healthy, faults, steps }: SearchDocument): string[] {
  const ofSteps = steps.flatMap(({ invalidReasons }) => invalidReasons);
  const ofAnswers = [healthy, ...faults].flatMap((answer) => answer?.invalidReasons ?? []);
  return [...new Set([...ofAnswers, ...REASONS_OF_ANY_STEP.filter((reason) => ofSteps.includes(reason))])];
}

/** Says each step as it ends; what goes wrong stands in the document. */
export async function runSearchWish(
  wish: SearchWish,
  crew: MeterCrew,
  io: CommandIo,
  view: LiveView,
): Promise<SearchDocument> {
  const document: SearchDocument = Object.assign(
    newDocument('search', { ...settingsShown(wish.streams, wish.spec), ...wish.search }),
    { ...NO_STREAMS, seconds: [], healthy: null, during: null, faults: [], steps: [], histogram: '' },
  );
  const stop = (): void => crew.stop();
  io.signal.addEventListener('abort', stop);
  if (io.signal.aborted) stopDocument(document, 'interrupted');
  try {
    await measure(wish, document, crew, io, view);
  } catch (error) {
    stopDocument(document, errorText(error));
  } finally {
    io.signal.removeEventListener('abort', stop);
    view.clear();
  }
  document.finishedAt = new Date().toISOString();
  document.invalidReasons = invalidReasonsOf(document);
  document.valid = document.complete && document.invalidReasons.length === 0;
  writeOutputs(document, wish.outputs, searchForms);
  return document;
}

async function measure(
  wish: SearchWish,
  document: SearchDocument,
  crew: MeterCrew,
  io: CommandIo,
  view: LiveView,
): Promise<void> {
  const stage = await Stage.open(wish.streams, wish.spec, crew, view, view.enabled);
  document.target = stage.traits;
  const events = {
    step: (step: SearchStep) => {
      view.clear();
      io.out.write(stepLine(step));
      writeOutputs(document, wish.outputs, searchForms);
    },
  };
  try {
    await new SearchRun(stage, wish.search, document, events, io.signal).run();
    document.complete = true;
  } catch (error) {
    stopDocument(document, io.signal.aborted ? 'interrupted' : errorText(error));
  }
  document.settings['clipFrames'] = stage.clipFrames;
  document.settings['clips'] = stage.clips;
  await stage.clear().catch((error: unknown) => stopDocument(document, `left behind: ${errorText(error)}`));
}

async function run(wish: SearchWish, io: CommandIo): Promise<number> {
  const view = new LiveView(io.err);
  using crew = MeterCrew.local(wish.streams.processes, view);
  const document = await runSearchWish(wish, crew, io, view);
  if (document.healthy !== null) io.out.write(`\n${searchVerdict(document)}\n`);
  if (document.stopped !== null) io.err.write(`holdfast meter search: ${document.stopped}\n`);
  return document.complete ? exitCodes.ok : exitCodes.failed;
}

export const searchCommand: Command = async (args, io) => {
  try {
    const wish = await searchWishOf(args, io.env);
    if (wish !== 'help') return await run(wish, io);
    io.out.write(SEARCH_USAGE);
    return exitCodes.ok;
  } catch (error) {
    io.err.write(`holdfast meter search: ${errorText(error)}\n`);
    return hasCode(error, 'invalid-argument') ? exitCodes.usage : exitCodes.failed;
  }
};
