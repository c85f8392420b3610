/** What one process is told of a run of streams. All of it can be cloned. */
import type { Format } from '../codecs/codec.ts';
import type { Pattern } from './pattern.ts';
import type { TimingSettings } from './timing.ts';

export interface ClipOrder {
  /** A clip is written before the run; a take is recorded by it. */
  readonly kind: 'clip' | 'take';
  /** That no other clip or take of the run has. */
  readonly number: number;
  readonly frames: number;
}

export interface StreamOrder {
  readonly stream: number;
  readonly pattern: Pattern;
  readonly clips: readonly ClipOrder[];
  /** Since the run's start: streams do not all ask in the same moment. */
  readonly startMs: number;
  readonly startFrame: number;
  /** The stream that records what this one plays. */
  readonly recordedBy: number | undefined;
  /** Frames asked for at once, at most. */
  readonly requestFrames: number;
}

export interface StreamsOrder {
  readonly format: Format;
  readonly timing: TimingSettings;
  readonly streams: readonly StreamOrder[];
  readonly warmupMs: number;
  readonly durationMs: number;
  /** Requests of one stream under way at once, at most. */
  readonly inFlight: number;
  readonly dropAfterMs: number;
  readonly shuttleSpeed: number;
  readonly seed: number;
  /** Number of the run, from 1 on. */
  readonly run: number;
  /** Where a line for every frame goes; undefined for nowhere. */
  readonly framesFile: string | undefined;
  /** Whether the first late frame ends it: for those who ask only whether there is one. */
  readonly untilLate: boolean;
  /** Whether figures are wanted while it runs. */
  readonly live: boolean;
}
