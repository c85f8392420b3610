/** `holdfast meter search`: the most streams with no late frame. */
import { type Command, type CommandIo, exitCodes } from '#common/command-line.ts';
import { errorText, hasCode } from '#common/errors.ts';
import { count, duration, parseOptions, share } from '../../load/option-values.ts';
import { formatFigure } from '../../load/units.ts';
import { MeterCrew } from '../crew/crew.ts';
import { LiveView } from '../report/live-view.ts';
import { newDocument, stopDocument } from '../report/meter-document.ts';
import { OUTPUT_OPTIONS, OUTPUT_USAGE, writeOutputs } from '../report/outputs.ts';
import { searchForms, searchVerdict } from '../report/search-page.ts';
import { settingsShown } from '../streams/streams-command.ts';
import { Stage } from '../streams/stage.ts';
import { NO_STREAMS } from '../streams/streams-document.ts';
import {
  countStreams,
  STREAM_OPTIONS,
  STREAM_USAGE,
  streamsSettingsOf,
} from '../streams/streams-settings.ts';
import { TARGET_OPTIONS, TARGET_USAGE, targetSpecOf } from '../targets/target-spec.ts';
import type { SearchDocument, SearchStep } from './search-document.ts';
import { SearchRun, type SearchSettings } from './search-run.ts';

const STREAMS_MAX = 20_000;

const SEARCH_USAGE = `Usage: holdfast meter search --target URL [options]

Finds the most streams that have no late frame: doubles their number until one is late, halves between, and confirms
what it found over the whole --duration.

${TARGET_USAGE}
  --start N               streams to begin with; default 1
  --streams-max N         streams to end with; default 2000
  --step-duration TIME    of a step of the search; default 5s
  --precision SHARE       by which the answer may be below the truth; default 0.05
  --during COMMAND        then searches again while \`sh -c COMMAND\`, run when each step is warm, does its work
  --restore COMMAND       run after each of these steps
${STREAM_USAGE}${OUTPUT_USAGE}`;

const OPTIONS = {
  ...TARGET_OPTIONS,
  ...STREAM_OPTIONS,
  ...OUTPUT_OPTIONS,
  start: { type: 'string' },
  'streams-max': { type: 'string' },
  'step-duration': { type: 'string' },
  precision: { type: 'string' },
  during: { type: 'string' },
  restore: { type: 'string' },
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
  const doubt = invalidReasons.length === 0 ? '' : ` (${invalidReasons.join(' ')})`;
  return `${passed ? '✔' : '✖'} ${what}: ${framesLate} of ${framesTotal} frames late, worst ${formatFigure(worstFrameMs)} ms, ${formatFigure(mebibytesPerS)} MiB/s${doubt}\n`;
}

async function search(args: readonly string[], io: CommandIo): Promise<number> {
  const values = parseOptions(args, OPTIONS);
  if (values.help === true) {
    io.out.write(SEARCH_USAGE);
    return exitCodes.ok;
  }
  const streamsSettings = await streamsSettingsOf(values);
  const spec = targetSpecOf(values, io.env);
  const settings: SearchSettings = {
    start: countStreams(values.start ?? '1'),
    most: count('streams-max', values['streams-max'] ?? '2000', 1, STREAMS_MAX),
    precision: share('precision', values.precision ?? '0.05'),
    stepMs: duration('step-duration', values['step-duration'] ?? '5s', 500),
    durationMs: streamsSettings.durationMs,
    warmupMs: streamsSettings.warmupMs,
    during: values.during,
    restore: values.restore,
  };
  const document: SearchDocument = Object.assign(
    newDocument('search', { ...settingsShown(streamsSettings, spec), ...settings }),
    { ...NO_STREAMS, seconds: [], healthy: null, during: null, steps: [], histogram: '' },
  );
  const view = new LiveView(io.err);
  using crew = MeterCrew.local(streamsSettings.processes, view);
  const stop = (): void => crew.stop();
  io.signal.addEventListener('abort', stop);
  const events = {
    step: (step: SearchStep) => {
      view.clear();
      io.out.write(stepLine(step));
      writeOutputs(document, values, searchForms);
    },
  };
  try {
    const stage = await Stage.open(streamsSettings, spec, crew, view, view.enabled);
    document.target = stage.traits;
    try {
      await new SearchRun(stage, settings, document, events, io.signal).run();
      document.complete = true;
    } catch (error) {
      stopDocument(document, io.signal.aborted ? 'interrupted' : errorText(error));
    }
    document.settings['clipFrames'] = stage.clipFrames;
    document.settings['clips'] = stage.clips;
    await stage.clear().catch((error: unknown) => stopDocument(document, `left behind: ${errorText(error)}`));
  } catch (error) {
    stopDocument(document, errorText(error));
  } finally {
    io.signal.removeEventListener('abort', stop);
    view.clear();
  }
  finish(document);
  writeOutputs(document, values, searchForms);
  if (document.healthy !== null) io.out.write(`\n${searchVerdict(document)}\n`);
  if (document.stopped !== null) io.err.write(`holdfast meter search: ${document.stopped}\n`);
  return document.complete ? exitCodes.ok : exitCodes.failed;
}

function finish(document: SearchDocument): void {
  document.finishedAt = new Date().toISOString();
  const limited = document.healthy?.limitedBy === 'the meter itself';
  document.invalidReasons = limited ? ['meter-limit'] : [];
  document.valid = document.complete && !limited;
}

export const searchCommand: Command = async (args, io) => {
  try {
    return await search(args, io);
  } catch (error) {
    io.err.write(`holdfast meter search: ${errorText(error)}\n`);
    return hasCode(error, 'invalid-argument') ? exitCodes.usage : exitCodes.failed;
  }
};
