/**
 * When the frames of a stream are asked for and when they are due. Both follow from the stream's start alone: a storage
 * that falls behind is not waited for.
 *
 *   start                 start + pre-buffer                        frame i
 *     │ asks, fills its buffer │ shows frame 0 … one every 1/fps s …  │ due: pre-buffer + i frames (+ the allowance)
 *                                            asked for: read-ahead before it is shown, and not before the start
 */
import { isInteractive, type Pattern } from './pattern.ts';
import type { Unit } from './unit.ts';

export interface TimingSettings {
  readonly framesPerS: number;
  readonly preBufferFrames: number;
  readonly readAheadFrames: number;
  /** Allowed beyond the moment in which a frame is shown. */
  readonly allowanceMs: number;
  /** Of jog and scrub, where nothing is read ahead: from the hand's move to the picture. */
  readonly reactionMs: number;
}

export interface UnitTiming {
  /** Since the stream's start. */
  readonly askedAtMs: number;
  /** Of the first frame; each next one an interval later, or none where the unit is due as a whole. */
  readonly dueAtMs: number;
  readonly intervalMs: number;
}

export function timingOf(settings: TimingSettings, pattern: Pattern, unit: Unit): UnitTiming {
  const intervalMs = 1000 / settings.framesPerS;
  if (pattern === 'record') {
    // A camera gives frame after frame; what is written together can only be when its last one is there.
    const askedAtMs = (unit.firstSlot + unit.slots) * intervalMs;
    const dueAtMs = askedAtMs + settings.preBufferFrames * intervalMs + settings.allowanceMs;
    return { askedAtMs, dueAtMs, intervalMs: 0 };
  }
  const interactive = isInteractive(pattern);
  const bufferMs = interactive ? settings.reactionMs : settings.preBufferFrames * intervalMs;
  const aheadMs = interactive ? settings.reactionMs : settings.readAheadFrames * intervalMs;
  const shownAtMs = bufferMs + unit.firstSlot * intervalMs;
  return {
    askedAtMs: Math.max(0, shownAtMs - aheadMs),
    dueAtMs: shownAtMs + settings.allowanceMs,
    intervalMs,
  };
}
