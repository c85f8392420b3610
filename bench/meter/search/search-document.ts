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
  readonly passed: boolean;
  readonly fault: FaultOutcome | null;
}

export interface PhaseAnswer {
  /** With no late frame over the whole duration. */
  readonly streams: number;
  readonly limitedBy: 'late frames' | 'the bound' | 'the meter itself';
  /** The step that showed it; null when nothing was confirmed. */
  readonly confirmedBy: number | null;
}

export interface SearchDocument extends MeterDocument {
  /** Of the healthy storage; figures of the run that confirmed it. */
  streams: number;
  framesTotal: number;
  framesLate: number;
  framesDropped: number;
  worstFrameMs: number;
  healthy: PhaseAnswer | null;
  during: (PhaseAnswer & { readonly command: string }) | null;
  steps: SearchStep[];
  /** Of the run that confirmed it. */
  seconds: Second[];
  histogram: string;
}
