/** The clock seam of one simulated machine. */
import type { Clock, Timer } from '#common/io/clock.ts';
import { SimulatedClock } from '../simulated-clock.ts';
import type { Timeline } from '../timeline.ts';

export function machineClock(timeline: Timeline, skewMs: number): Clock {
  const wall = new SimulatedClock(timeline, skewMs);
  return {
    nowMs: () => wall.nowMs(),
    monotonicMs: () => timeline.nowMs,
    after: (delayMs, then) => timerOn(timeline, delayMs, then),
  };
}

function timerOn(timeline: Timeline, delayMs: number, then: () => void): Timer {
  let isCancelled = false;
  timeline.after(delayMs, () => {
    if (!isCancelled) then();
  });
  return {
    cancel: () => {
      isCancelled = true;
    },
  };
}
