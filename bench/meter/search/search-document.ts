/** What a search is reported as. */
import type { MeterDocument } from '../report/meter-document.ts';
import type { RunFigures } from '../streams/streams-document.ts';
import type { Second } from '../streams/tally.ts';
import type { FaultOutcome } from './fault.ts';

export type SearchPhase = 'healthy' | 'during';

export interface SearchStep extends RunFigures {
  readonly phase: SearchPhase;
  readonly purpose: 'search' | 'confirm';
  readonly durationMs: number;
  /** No frame was late; a step that had one ended there. */
  readonly passed: boolean;
  readonly fault: FaultOutcome | null;
  /** What ran behind it. */
  readonly restore: FaultOutcome | null;
}

export interface PhaseAnswer {
  /** With no late frame over the whole duration. */
  readonly streams: number;
  readonly limitedBy: 'late frames' | 'the bound' | 'the meter itself' | 'the fault';
  /** The step that showed it; null when nothing was confirmed. */
  readonly confirmedBy: number | null;
  /** Why it says nothing of the storage; empty when it does. */
  readonly invalidReasons: readonly string[];
}

export interface FaultAnswer extends PhaseAnswer {
  readonly command: string;
}

export interface SearchDocument extends MeterDocument {
  /** Of the healthy storage; figures of the run that confirmed it. */
  streams: number;
  framesTotal: number;
  framesLate: number;
  framesDropped: number;
  worstFrameMs: number;
  healthy: PhaseAnswer | null;
  /** The first of `faults`. */
  during: FaultAnswer | null;
  /** One for each command that was to be run during the steps. */
  faults: FaultAnswer[];
  steps: SearchStep[];
  /** Of the run that confirmed it. */
  seconds: Second[];
  histogram: string;
}
