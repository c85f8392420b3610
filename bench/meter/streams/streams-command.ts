/** `holdfast meter streams`: so many streams for so long, and which frames came late. */
import { type Command, type CommandIo, exitCodes } from '#common/command-line.ts';
import { errorText, hasCode } from '#common/errors.ts';
import { count, parseOptions, wrong } from '../../load/option-values.ts';
import { bytesPerS } from '../codecs/codec.ts';
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
import { streamsForms } from '../report/streams-page.ts';
import { lateStreamsTable, runsTable, verdict } from '../report/streams-table.ts';
import type { TargetSpec } from '../targets/target.ts';
import { publicSpec, TARGET_OPTIONS, TARGET_USAGE, targetSpecOf } from '../targets/target-spec.ts';
import { Stage } from './stage.ts';
import { addRun, figuresOf, NO_STREAMS, type StreamsDocument } from './streams-document.ts';
import {
  countStreams,
  STREAM_OPTIONS,
  STREAM_USAGE,
  type StreamsSettings,
  streamsSettingsOf,
} from './streams-settings.ts';

const REPEAT_MAX = 100;

const STREAMS_USAGE = `Usage: holdfast meter streams --target URL [options]

Plays and records streams at a codec's rate, with a deadline for every frame, and counts the frames that are late.

${TARGET_USAGE}
  --streams N             default 1
${STREAM_USAGE}  --repeat N              default 1
  --frames-csv FILE       a line for every frame: when it was due, and when it was there (with --processes 1)
${OUTPUT_USAGE}`;

const OPTIONS = {
  ...TARGET_OPTIONS,
  ...STREAM_OPTIONS,
  ...OUTPUT_OPTIONS,
  streams: { type: 'string' },
  repeat: { type: 'string' },
  'frames-csv': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

export interface StreamsWish {
  readonly settings: StreamsSettings;
  readonly spec: TargetSpec;
  readonly streams: number;
  readonly repeat: number;
  readonly framesFile: string | undefined;
  readonly outputs: OutputFiles;
}

/** What a document says of its settings: as they were understood, without secrets. */
export function settingsShown(settings: StreamsSettings, spec: TargetSpec): Record<string, unknown> {
  const { format, timing, ...rest } = settings;
  const sizes = format.frameSizesBytes;
  return {
    ...publicSpec(spec),
    codec: format.codec,
    framesPerS: Number(format.framesPerS.toFixed(6)),
    frameBytes: sizes.length === 1 ? sizes[0] : `${sizes.length} sizes of real frames`,
    megabitsPerSOfAStream: Number(((bytesPerS(format) * 8) / 1e6).toFixed(2)),
    layout: format.layout,
    audioTracks: format.audioTracks,
    preBufferFrames: timing.preBufferFrames,
    readAheadFrames: timing.readAheadFrames,
    deadlineMs: timing.allowanceMs,
    reactionMs: timing.reactionMs,
    ...rest,
  };
}

/** What `holdfast meter streams …args` asks for. Throws `invalid-argument` with one clear line. */
export async function streamsWishOf(
  args: readonly string[],
  env: CommandIo['env'],
): Promise<StreamsWish | 'help'> {
  const values = parseOptions(args, OPTIONS);
  if (values.help === true) return 'help';
  const settings = await streamsSettingsOf(values);
  const framesFile = values['frames-csv'];
  if (framesFile !== undefined && settings.processes > 1) throw wrong('--frames-csv needs --processes 1');
  const spec = targetSpecOf(values, env);
  tryOutputs(values, framesFile);
  return {
    settings,
    spec,
    streams: countStreams(values.streams ?? '1'),
    repeat: count('repeat', values.repeat ?? '1', 1, REPEAT_MAX),
    framesFile,
    outputs: values,
  };
}

/** Fills the document run by run; what goes wrong stands in it. */
async function measure(
  wish: StreamsWish,
  document: StreamsDocument,
  crew: MeterCrew,
  view: LiveView,
  io: CommandIo,
) {
  const { settings, spec, streams, repeat } = wish;
  const stage = await Stage.open(settings, spec, crew, view, view.enabled);
  document.target = stage.traits;
  try {
    // A worker that was told to end with nothing under way takes up what it is given next.
    io.signal.throwIfAborted();
    const bytes = await stage.prepare(streams);
    document.settings['clipFrames'] = stage.clipFrames;
    document.settings['preparedBytes'] = bytes;
    for (let run = 1; run <= repeat && document.stopped === null && !io.signal.aborted; run++) {
      const result = await stage.run(streams, { framesFile: wish.framesFile });
      addRun(document, figuresOf(result, run, settings.durationMs / 1000), result);
      if (result.stopped !== null) stopDocument(document, result.stopped);
      for (const [name, why] of Object.entries(result.lost))
        stopDocument(document, `${name} was lost: ${why}`);
      writeOutputs(document, wish.outputs, streamsForms);
    }
    document.complete = document.stopped === null && document.runs.length === repeat;
  } catch (error) {
    stopDocument(document, errorText(error));
  }
  await stage.clear().catch((error: unknown) => stopDocument(document, `left behind: ${errorText(error)}`));
}

export async function runStreamsWish(
  wish: StreamsWish,
  crew: MeterCrew,
  io: CommandIo,
  view: LiveView,
): Promise<StreamsDocument> {
  const document: StreamsDocument = Object.assign(
    newDocument('streams', settingsShown(wish.settings, wish.spec)),
    {
      ...NO_STREAMS,
      seconds: [],
      runs: [],
      rows: [],
      histogram: '',
    },
  );
  const stop = (): void => {
    stopDocument(document, 'interrupted');
    crew.stop();
  };
  io.signal.addEventListener('abort', stop);
  if (io.signal.aborted) stop();
  try {
    await measure(wish, document, crew, view, io);
  } catch (error) {
    stopDocument(document, errorText(error));
  } finally {
    io.signal.removeEventListener('abort', stop);
    view.clear();
  }
  document.finishedAt = new Date().toISOString();
  document.valid = document.complete && document.invalidReasons.length === 0;
  writeOutputs(document, wish.outputs, streamsForms);
  return document;
}

async function run(wish: StreamsWish, io: CommandIo): Promise<number> {
  const view = new LiveView(io.err);
  using crew = MeterCrew.local(wish.settings.processes, view);
  const document = await runStreamsWish(wish, crew, io, view);
  if (document.runs.length > 0) {
    const seconds = wish.settings.durationMs / 1000;
    io.out.write(runsTable(document.runs) + lateStreamsTable(document.rows));
    io.out.write(`\n${verdict(document, wish.settings.format.codec, seconds)}`);
  }
  if (document.stopped !== null) io.err.write(`holdfast meter streams: ${document.stopped}\n`);
  return document.complete ? exitCodes.ok : exitCodes.failed;
}

export const streamsCommand: Command = async (args, io) => {
  try {
    const wish = await streamsWishOf(args, io.env);
    if (wish !== 'help') return await run(wish, io);
    io.out.write(STREAMS_USAGE);
    return exitCodes.ok;
  } catch (error) {
    io.err.write(`holdfast meter streams: ${errorText(error)}\n`);
    return hasCode(error, 'invalid-argument') ? exitCodes.usage : exitCodes.failed;
  }
};
