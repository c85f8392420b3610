/** What the main thread and its workers say to each other. */
import type { LiveFigures } from './measurement.ts';
import type { PhaseOrder, PhaseResult } from './phase.ts';
import type { TargetSettings } from './request-factory.ts';

/** Given to a worker when it starts. */
export interface WorkerSetup {
  readonly workerIndex: number;
  readonly target: TargetSettings;
  readonly seed: string;
  readonly timeoutMs: number;
  readonly rangeBytes: number | undefined;
  readonly multipartBytes: number | undefined;
  readonly signedPayload: boolean;
  /** Of the blocks of large bodies that are compared; undefined leaves it to the size. */
  readonly checkReads: number | undefined;
  /** Of the PUTs whose ETag is checked; undefined leaves it to the size. */
  readonly checkEtags: number | undefined;
  /** What the names of all objects of the run begin with. */
  readonly namePrefix: string;
  /** Whether figures are wanted while a phase runs. */
  readonly live: boolean;
}

export type ToWorker = { readonly type: 'run'; readonly order: PhaseOrder } | { readonly type: 'stop' };

export type FromWorker =
  | { readonly type: 'measuring' }
  | { readonly type: 'figures'; readonly figures: LiveFigures }
  | { readonly type: 'result'; readonly result: PhaseResult };
