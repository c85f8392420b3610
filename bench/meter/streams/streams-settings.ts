/** The settings of a run of streams, out of the command line. */
import { bytes, count, duration, given, list, wrong } from '../../load/option-values.ts';
import {
  bytesPerS,
  type Format,
  formatOf,
  type Layout,
  meanFrameBytes,
  parseFramesPerS,
} from '../codecs/codec.ts';
import { readFrameSizes } from '../codecs/frame-sizes.ts';
import type { TargetTraits } from '../targets/target.ts';
import { type Pattern, patterns } from './pattern.ts';
import type { TimingSettings } from './timing.ts';

const STREAMS_MAX = 20_000;
const PROCESSES_MAX = 64;
const REQUEST_BYTES_DEFAULT = 2 ** 20;
const CLIPS_BYTES_DEFAULT = 4 * 2 ** 30;
const CLIPS_BYTES_MAX = 64 * 2 ** 40;
const CLIP_S_DEFAULT = 10;
const CLIP_S_MIN = 1;
const EDIT_CLIPS = 4;

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;

/** What says how a stream looks; `streams`, `search` and scripts share it. */
export const STREAM_OPTIONS = {
  codec: text,
  fps: text,
  'frame-bytes': text,
  'frame-sizes': text,
  'audio-tracks': text,
  layout: text,
  pattern: text,
  duration: text,
  warmup: text,
  'pre-buffer': text,
  'read-ahead': text,
  deadline: text,
  reaction: text,
  'drop-after': text,
  'request-frames': text,
  'in-flight': text,
  'shuttle-speed': text,
  cameras: text,
  behind: text,
  clips: text,
  'clip-length': text,
  'clips-size': text,
  stagger: text,
  processes: text,
  keep: flag,
  reuse: flag,
} as const;

export const STREAM_USAGE = `  --codec NAME            \`holdfast meter codecs\` lists them; custom with --frame-bytes; default xdcam-hd50
  --fps RATE              default the codec's; 23.976, 29.97 and 59.94 are taken for what they stand for
  --frame-bytes SIZE      of the codec custom
  --frame-sizes FILE      sizes of real frames in place of the codec's: a media file (by ffprobe), or a number a line
  --audio-tracks N        48 kHz, 24 bits, within each frame; default 0
  --layout clip|sequence  one file, or a file a frame; default the codec's

  --pattern LIST          of play, reverse, shuttle, jog, scrub, edits, multicam, growing, record, each with :SHARE if
                          wanted, such as play:3,record; default play
  --duration TIME         counted; default 30s
  --warmup TIME           before it: played, not counted; default 2s
  --pre-buffer FRAMES     between asking for the first frame and showing it; of a recording: what its buffer holds;
                          default a second's
  --read-ahead FRAMES     how long before it is shown a frame is asked for; default as --pre-buffer
  --deadline TIME         allowed beyond the moment in which a frame is shown; default 0ms
  --reaction TIME         of jog and scrub: from the hand's move to the picture; default 200ms
  --drop-after TIME       past its deadline, from which a frame counts as dropped; default 1s
  --request-frames N      asked for, or written, at once; default what makes 1 MiB, half a second's at most
  --in-flight N           requests of one stream under way at once; default 8
  --shuttle-speed N       default 8
  --cameras N             of multicam; default 4
  --behind TIME           of growing: how far the player is behind the recorder; default 3s
  --clips N               clips that all streams share; default one or more each
  --clip-length TIME      default 10s, less where --clips-size would be exceeded; a clip is played round and round
  --clips-size SIZE       most bytes of all clips; default 4g
  --stagger TIME          over which the streams start; default 1s
  --processes N           that make the load; default 1; 0 makes it in the meter's own, quick to start and not as able
  --keep                  leaves the clips where they are
  --reuse                 takes clips that are there (with the same --name, --seed and sizes)
`;

export interface StreamsSettings {
  readonly format: Format;
  readonly patterns: readonly { readonly pattern: Pattern; readonly share: number }[];
  readonly durationMs: number;
  readonly warmupMs: number;
  readonly timing: TimingSettings;
  readonly dropAfterMs: number;
  /** Undefined for what fits the target. */
  readonly requestFrames: number | undefined;
  readonly inFlight: number;
  readonly shuttleSpeed: number;
  readonly cameras: number;
  readonly behindMs: number;
  /** Undefined for each stream's own. */
  readonly clips: number | undefined;
  readonly clipS: number | undefined;
  readonly clipsBytesMax: number;
  /** Whether streams share clips where one of a second each does not fit: who searches cannot know how many come. */
  readonly sharesClips: boolean;
  readonly staggerMs: number;
  readonly processes: number;
  readonly keep: boolean;
  readonly reuse: boolean;
}

type Values = { readonly [Name in keyof typeof STREAM_OPTIONS]?: string | boolean | undefined };

function patternsOf(value: string): StreamsSettings['patterns'] {
  return list('pattern', value, (item) => {
    const [name = '', share] = item.split(':');
    const pattern = patterns.find((one) => one === name);
    if (pattern === undefined) throw wrong(`--pattern takes ${patterns.join(', ')}, not ${name}`);
    return { pattern, share: share === undefined ? 1 : count('pattern', share, 1, 1000) };
  });
}

function layoutOf(value: string): Layout {
  if (value !== 'clip' && value !== 'sequence') throw wrong(`--layout takes clip or sequence, not ${value}`);
  return value;
}

export function countStreams(value: string): number {
  return count('streams', value, 1, STREAMS_MAX);
}

/** Throws `invalid-argument` with one clear line. */
export async function streamsSettingsOf(values: Values): Promise<StreamsSettings> {
  const option = (name: keyof typeof STREAM_OPTIONS): string | undefined => {
    const value = values[name];
    return typeof value === 'string' ? value : undefined;
  };
  const number = (name: keyof typeof STREAM_OPTIONS, least: number, most: number): number | undefined =>
    given(option(name), (value) => count(name, value, least, most));
  const time = (name: keyof typeof STREAM_OPTIONS, otherwise: string, leastMs: number): number =>
    duration(name, option(name) ?? otherwise, leastMs);
  const sizesFile = option('frame-sizes');
  const format = formatOf({
    codec: option('codec') ?? (option('frame-bytes') === undefined ? 'xdcam-hd50' : 'custom'),
    framesPerS: given(option('fps'), parseFramesPerS),
    frameBytes: given(option('frame-bytes'), (value) => bytes('frame-bytes', value)),
    audioTracks: number('audio-tracks', 0, 64),
    layout: given(option('layout'), layoutOf),
    frameSizesBytes: sizesFile === undefined ? undefined : await readFrameSizes(sizesFile),
  });
  const preBufferFrames = number('pre-buffer', 0, 10_000) ?? Math.round(format.framesPerS);
  return {
    format,
    patterns: patternsOf(option('pattern') ?? 'play'),
    durationMs: time('duration', '30s', 100),
    warmupMs: time('warmup', '2s', 0),
    timing: {
      framesPerS: format.framesPerS,
      preBufferFrames,
      readAheadFrames: number('read-ahead', 1, 10_000) ?? Math.max(1, preBufferFrames),
      allowanceMs: time('deadline', '0ms', 0),
      reactionMs: time('reaction', '200ms', 1),
    },
    dropAfterMs: time('drop-after', '1s', 0),
    requestFrames: number('request-frames', 1, 10_000),
    inFlight: number('in-flight', 1, 1024) ?? 8,
    shuttleSpeed: number('shuttle-speed', 1, 1000) ?? 8,
    cameras: number('cameras', 2, 64) ?? 4,
    behindMs: time('behind', '3s', 0),
    clips: number('clips', 1, STREAMS_MAX),
    clipS: given(option('clip-length'), (value) => duration('clip-length', value, 40) / 1000),
    clipsBytesMax:
      given(option('clips-size'), (value) => bytes('clips-size', value, CLIPS_BYTES_MAX)) ??
      CLIPS_BYTES_DEFAULT,
    sharesClips: false,
    staggerMs: time('stagger', '1s', 0),
    processes: number('processes', 0, PROCESSES_MAX) ?? 1,
    keep: values.keep === true,
    reuse: values.reuse === true,
  };
}

/** Clips that one stream of the pattern needs of its own. */
export function clipsOfStream(settings: StreamsSettings, pattern: Pattern): number {
  if (pattern === 'record' || pattern === 'growing') return 0;
  return pattern === 'multicam' ? settings.cameras : pattern === 'edits' ? EDIT_CLIPS : 1;
}

/** Fewest frames that are so many bytes together wherever in the film they begin; its sizes come round and round. */
function framesHolding(sizesBytes: readonly number[], leastBytes: number): number {
  const filmBytes = sizesBytes.reduce((sum, bytes) => sum + bytes, 0);
  const films = Math.floor(leastBytes / filmBytes);
  const restBytes = leastBytes - films * filmBytes;
  let most = 0;
  for (let start = 0, end = 0, bytes = 0; start < sizesBytes.length; start++) {
    while (bytes < restBytes) bytes += sizesBytes[end++ % sizesBytes.length] ?? 0;
    most = Math.max(most, end - start);
    bytes -= sizesBytes[start] ?? 0;
  }
  return films * sizesBytes.length + most;
}

/** Frames asked for at once, or written: no fewer than fill an append, and as many as bring a take in its appends. */
export function requestFramesOf(
  settings: StreamsSettings,
  pattern: Pattern,
  { appendBytesMin, appendsMax = Infinity }: Pick<TargetTraits, 'appendBytesMin' | 'appendsMax'>,
  takeFrames: number,
): number {
  const frameBytes = meanFrameBytes(settings.format);
  const most = Math.max(1, Math.floor(settings.format.framesPerS / 2));
  const wished =
    settings.requestFrames ?? Math.max(1, Math.min(most, Math.floor(REQUEST_BYTES_DEFAULT / frameBytes)));
  if (pattern !== 'record' || settings.format.layout === 'sequence') return wished;
  const filling = framesHolding(settings.format.frameSizesBytes, appendBytesMin);
  return Math.max(wished, filling, Math.ceil(takeFrames / appendsMax));
}

/** Frames of each clip, when there are so many. */
export function clipFramesOf(settings: StreamsSettings, clips: number): number {
  const { format, clipsBytesMax } = settings;
  const affordableS = clipsBytesMax / Math.max(1, clips) / bytesPerS(format);
  const wishedS =
    settings.clipS ??
    Math.min(CLIP_S_DEFAULT, Math.ceil((settings.durationMs + settings.warmupMs) / 1000) + 1);
  const leastS = Math.min(CLIP_S_MIN, wishedS);
  const least = settings.clips === undefined && settings.sharesClips ? 1 : clips;
  if (clipsBytesMax / least / bytesPerS(format) < leastS)
    throw wrong(`${least} clips of a second exceed --clips-size: take fewer by --clips, or raise it`);
  const seconds = Math.max(leastS, Math.min(wishedS, affordableS));
  return Math.max(1, Math.floor(seconds * format.framesPerS));
}
