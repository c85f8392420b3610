/** What a script is reported as: one document with a result for each step, and what became of each agent. */
import type { ClassicDocument } from '../classic/classic-document.ts';
import type { OpsDocument } from '../ops/ops-document.ts';
import type { MeterDocument } from '../report/meter-document.ts';
import type { FaultOutcome } from '../search/fault.ts';
import type { SearchDocument } from '../search/search-document.ts';
import type { StreamsDocument } from '../streams/streams-document.ts';
import type { ScriptStep } from './script.ts';

export interface AgentReport {
  readonly address: string;
  readonly host: string | null;
  readonly processor: string | null;
  /** What its clock showed more than ours, before the last run; runs are begun by it. */
  clockAheadMs: number | null;
  /** By which that may be wrong: half of the fastest way there and back. */
  clockUncertaintyMs: number | null;
  /** Why it took no part, or stopped doing so; null when it was there to the end. */
  lost: string | null;
}

export type StepResult = StreamsDocument | SearchDocument | OpsDocument | ClassicDocument;

export interface ScriptStepReport {
  readonly name: string;
  readonly kind: ScriptStep['kind'];
  /** Its entry of each list of `each`. */
  readonly place: readonly string[];
  readonly result: StepResult | FaultOutcome | null;
}

export interface ScriptDocument extends MeterDocument {
  agents: AgentReport[];
  steps: ScriptStepReport[];
}

/** The result of a step that measured; undefined for a pause and a command. */
export function measuredBy({ result }: ScriptStepReport): StepResult | undefined {
  return result !== null && 'schema' in result ? result : undefined;
}
