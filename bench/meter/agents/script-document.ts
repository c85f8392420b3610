/** What a script is reported as: one document with a result for each step, and what became of each agent. */
import type { MeterDocument } from '../report/meter-document.ts';
import type { FaultOutcome } from '../search/fault.ts';
import type { StreamsDocument } from '../streams/streams-document.ts';

export interface AgentReport {
  readonly address: string;
  readonly host: string | null;
  readonly processor: string | null;
  /** What its clock showed more than ours; runs are begun by it. */
  readonly clockAheadMs: number | null;
  /** Why it took no part, or stopped doing so; null when it was there to the end. */
  lost: string | null;
}

export interface ScriptStepReport {
  readonly name: string;
  readonly kind: 'streams' | 'pause' | 'command';
  readonly result: StreamsDocument | FaultOutcome | null;
}

export interface ScriptDocument extends MeterDocument {
  agents: AgentReport[];
  steps: ScriptStepReport[];
}
