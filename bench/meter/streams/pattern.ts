/** In which order a stream shows the frames of its clips: one entry for each frame that is due, without end. */
import type { RandomSequence } from '../../load/random-sequence.ts';

export const patterns = [
  'play',
  'reverse',
  'shuttle',
  'jog',
  'scrub',
  'edits',
  'multicam',
  'growing',
  'record',
] as const;
export type Pattern = (typeof patterns)[number];

export interface FrameReference {
  /** Index among the stream's clips. */
  readonly clip: number;
  readonly frame: number;
}

export interface PatternSettings {
  readonly pattern: Pattern;
  /** Frames of each of the stream's clips. */
  readonly clipFrames: readonly number[];
  /** Frames that a shuttle moves on for each that it shows. */
  readonly shuttleSpeed: number;
  readonly framesPerS: number;
  /** Of the first frame of a plain playback. */
  readonly startFrame: number;
}

/** Shortest and longest piece of an edit list. */
const EDIT_S_MIN = 0.5;
const EDIT_S_MAX = 5;
/** Of the frames of a jog, at which the hand turns round. */
const JOG_TURN_SHARE = 0.1;
/** How far, of the clip, a scrub goes at once. */
const SCRUB_SHARE = 0.1;

/** Whether what comes next follows from a hand on a wheel: then nothing can be read ahead. */
export function isInteractive(pattern: Pattern): boolean {
  return pattern === 'jog' || pattern === 'scrub';
}

/** What is shown for each frame due: one frame, or one of each camera. */
export function* slotsOf(
  settings: PatternSettings,
  random: RandomSequence,
): Generator<readonly FrameReference[], never> {
  const { pattern, clipFrames, shuttleSpeed, startFrame } = settings;
  const frames = clipFrames[0] ?? 1;
  const wrapped = (frame: number): number => ((frame % frames) + frames) % frames;
  if (pattern === 'edits') yield* edits(settings, random);
  let at = startFrame;
  let step = pattern === 'reverse' ? -1 : pattern === 'shuttle' ? shuttleSpeed : 1;
  const reach = Math.max(1, Math.round(frames * SCRUB_SHARE));
  for (;;) {
    const frame = wrapped(at);
    if (pattern === 'multicam') yield clipFrames.map((length, clip) => ({ clip, frame: frame % length }));
    else yield [{ clip: 0, frame }];
    if (pattern === 'jog' && random.fraction() < JOG_TURN_SHARE) step = -step;
    at += pattern === 'scrub' ? random.below(2 * reach + 1) - reach : step;
  }
}

function* edits(
  { clipFrames, framesPerS }: PatternSettings,
  random: RandomSequence,
): Generator<readonly FrameReference[], never> {
  for (;;) {
    const clip = random.below(clipFrames.length);
    const frames = clipFrames[clip] ?? 1;
    const wished = Math.round((EDIT_S_MIN + random.fraction() * (EDIT_S_MAX - EDIT_S_MIN)) * framesPerS);
    const length = Math.max(1, Math.min(frames, wished));
    const start = random.below(frames - length + 1);
    for (let frame = start; frame < start + length; frame++) yield [{ clip, frame }];
  }
}
