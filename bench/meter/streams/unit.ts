/** What is asked for at once: frames that follow each other on the screen and in the store. */
import type { Clip, FrameRange } from './clip.ts';
import type { FrameReference } from './pattern.ts';

export interface Unit {
  /** Number of the first frame shown, from 0. */
  readonly firstSlot: number;
  readonly slots: number;
  readonly reads: readonly FrameRange[];
}

interface Run {
  readonly first: readonly FrameReference[];
  last: readonly FrameReference[];
  readonly firstSlot: number;
  slots: number;
  /** +1, -1, or 0 while there is but one slot. */
  step: number;
}

/** Whether `next` lies behind (1) or before (-1) `last` in every clip; 0 when it does not. */
function stepBetween(last: readonly FrameReference[], next: readonly FrameReference[]): number {
  const step = (next[0]?.frame ?? 0) - (last[0]?.frame ?? 0);
  if (step !== 1 && step !== -1) return 0;
  const alike = next.every(({ clip, frame }, at) => {
    const before = last[at];
    return before !== undefined && before.clip === clip && frame - before.frame === step;
  });
  return alike ? step : 0;
}

function unitOf(run: Run, clips: readonly Clip[]): Unit {
  const reads = run.first.map(({ clip, frame }, at) => {
    const last = run.last[at]?.frame ?? frame;
    const found = clips[clip];
    if (found === undefined) throw new RangeError(`the stream has no clip ${clip}`);
    return found.range(Math.min(frame, last), Math.max(frame, last) + 1);
  });
  return { firstSlot: run.firstSlot, slots: run.slots, reads };
}

/**
 * @param slotsTotal after which the stream ends.
 * @param slotsMax of one unit; 1 where each frame is an object of its own.
 */
export function* unitsOf(
  slots: Iterator<readonly FrameReference[]>,
  clips: readonly Clip[],
  slotsTotal: number,
  slotsMax: number,
): Generator<Unit> {
  let run: Run | undefined;
  for (let slot = 0; slot < slotsTotal; slot++) {
    const next = slots.next().value as readonly FrameReference[];
    const step = run === undefined || run.slots >= slotsMax ? 0 : stepBetween(run.last, next);
    if (run !== undefined && step !== 0 && (run.step === 0 || run.step === step)) {
      run.last = next;
      run.slots++;
      run.step = step;
      continue;
    }
    if (run !== undefined) yield unitOf(run, clips);
    run = { first: next, last: next, firstSlot: slot, slots: 1, step: 0 };
  }
  if (run !== undefined) yield unitOf(run, clips);
}
