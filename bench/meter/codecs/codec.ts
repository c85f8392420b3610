/** What a stream is made of: so many frames a second, each of so many bytes, in one file or a file each. */
import { HoldfastError } from '#common/errors.ts';
import { CODECS } from './table.ts';

/** How the frames of a clip are stored. */
export type Layout = 'clip' | 'sequence';

export interface Codec {
  readonly name: string;
  readonly title: string;
  readonly width: number;
  readonly height: number;
  /** Where the figure is meant for; another may be asked for. */
  readonly framesPerS: number;
  /** Either every frame has this size at any rate … */
  readonly frameBytes?: number;
  /** … or the bit rate is constant, and the frame what is due to it. */
  readonly bitsPerS?: number;
  readonly layout: Layout;
  /** Where the figure stands. */
  readonly source: string;
}

/** What is measured: a codec at a rate, with its audio tracks. All of it can be cloned. */
export interface Format {
  readonly codec: string;
  readonly title: string;
  readonly framesPerS: number;
  /** Sizes of successive frames, repeated: one when all are alike. */
  readonly frameSizesBytes: readonly number[];
  readonly layout: Layout;
  readonly audioTracks: number;
}

export interface FormatWish {
  readonly codec: string;
  readonly framesPerS?: number | undefined;
  /** Only of the codec `custom`. */
  readonly frameBytes?: number | undefined;
  readonly audioTracks?: number | undefined;
  readonly layout?: Layout | undefined;
  /** Sizes of real frames in place of the codec's own. */
  readonly frameSizesBytes?: readonly number[] | undefined;
}

/** 48 kHz, 24 bits: SMPTE ST 382, AES3 audio in MXF. */
const AUDIO_BYTES_PER_S = 48_000 * 3;
const FRAMES_PER_S_MAX = 240;
const AUDIO_TRACKS_MAX = 64;
const FRAME_BYTES_MAX = 2 ** 30;

function wrong(detail: string): HoldfastError {
  return new HoldfastError('invalid-argument', detail);
}

/** `25`, `23.976`, `29.97`, `59.94`: the last three stand for 24, 30 and 60 over 1.001. Throws `invalid-argument`. */
export function parseFramesPerS(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value < 1 || value > FRAMES_PER_S_MAX)
    throw wrong(`--fps takes a number from 1 to ${FRAMES_PER_S_MAX}, not ${text}`);
  const whole = Math.ceil(value);
  const over1001 = (whole * 1000) / 1001;
  return value !== whole && Math.abs(value - over1001) < 0.01 ? over1001 : value;
}

export function frameBytesOf(codec: Codec, framesPerS: number): number {
  return codec.frameBytes ?? Math.round((codec.bitsPerS ?? 0) / 8 / framesPerS);
}

export function findCodec(name: string): Codec {
  const codec = CODECS.find((one) => one.name === name);
  if (codec === undefined)
    throw wrong(`no codec is called ${name}: \`holdfast meter codecs\` lists them, and there is custom`);
  return codec;
}

function customCodec(wish: FormatWish): Codec {
  if (wish.frameBytes === undefined && wish.frameSizesBytes === undefined)
    throw wrong('the codec custom needs --frame-bytes, or --frame-sizes');
  return {
    name: 'custom',
    title: 'Custom',
    width: 0,
    height: 0,
    framesPerS: 25,
    frameBytes: wish.frameBytes ?? 1,
    layout: 'clip',
    source: 'the command line',
  };
}

/** Throws `invalid-argument` with one clear line. */
export function formatOf(wish: FormatWish): Format {
  if (wish.codec !== 'custom' && wish.frameBytes !== undefined)
    throw wrong('--frame-bytes is for the codec custom');
  const codec = wish.codec === 'custom' ? customCodec(wish) : findCodec(wish.codec);
  const framesPerS = wish.framesPerS ?? codec.framesPerS;
  const audioTracks = wish.audioTracks ?? 0;
  if (audioTracks > AUDIO_TRACKS_MAX) throw wrong(`there are at most ${AUDIO_TRACKS_MAX} audio tracks`);
  const audioBytes = Math.ceil((audioTracks * AUDIO_BYTES_PER_S) / framesPerS);
  const sizes = wish.frameSizesBytes ?? [frameBytesOf(codec, framesPerS)];
  if (sizes.some((size) => size + audioBytes > FRAME_BYTES_MAX)) throw wrong('a frame has at most 1 GiB');
  return {
    codec: codec.name,
    title: codec.title,
    framesPerS,
    frameSizesBytes: sizes.map((size) => size + audioBytes),
    layout: wish.layout ?? codec.layout,
    audioTracks,
  };
}

export function meanFrameBytes(format: Format): number {
  const { frameSizesBytes } = format;
  return frameSizesBytes.reduce((sum, size) => sum + size, 0) / frameSizesBytes.length;
}

export function bytesPerS(format: Format): number {
  return meanFrameBytes(format) * format.framesPerS;
}
