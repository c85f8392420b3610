/** The wall clock of one simulated machine: runs with the timeline, wrong by its skew. */
import { MANUAL_START_MS } from '#common/io/manual-clock.ts';
import type { Timeline } from './timeline.ts';

export class SimulatedClock {
  /** How far the clock is ahead of the true time, in milliseconds; may be changed at any time. */
  skewMs: number;
  readonly #timeline: Timeline;

  constructor(timeline: Timeline, skewMs: number) {
    this.#timeline = timeline;
    this.skewMs = skewMs;
  }

  /** Milliseconds since 1970. */
  nowMs(): number {
    return Math.floor(MANUAL_START_MS + this.#timeline.nowMs + this.skewMs);
  }
}
