/** What one process is told of a run of operations, and what it tells. All of it can be cloned. */
import type { SelfCost } from '../crew/self-measure.ts';
import type { SizeDistribution } from './sizes.ts';

export const operationNames = ['get', 'put', 'delete', 'list', 'stat'] as const;
export type OperationName = (typeof operationNames)[number];

export interface MixPart {
  readonly operation: OperationName;
  readonly share: number;
}

/** One line of a recorded trace. */
export interface TraceEntry {
  /** Since the trace's start. */
  readonly atMs: number;
  readonly operation: OperationName;
  /** Any text: the same text is the same object. */
  readonly name: string;
  readonly sizeBytes: number;
}

export interface OpsOrder {
  readonly mix: readonly MixPart[];
  readonly sizes: SizeDistribution;
  /** Operations under way at once. */
  readonly concurrency: number;
  /** Open loop: starts a second; undefined for a closed one. */
  readonly ratePerS: number | undefined;
  readonly warmupMs: number;
  readonly durationMs: number;
  /** Over which concurrency or rate rises from nothing to what is asked for; part of the warm-up. */
  readonly rampMs: number;
  /** Ends when ten seconds in a row, of all workers together, lie within this share of their mean. */
  readonly steadyShare: number | undefined;
  /** Written before, for those who read. */
  readonly objects: number;
  /** Replayed in place of the mix. */
  readonly trace: readonly TraceEntry[] | undefined;
  readonly worker: number;
  readonly seed: number;
  readonly live: boolean;
}

export interface OperationTally {
  readonly operation: OperationName;
  readonly operations: number;
  readonly bytes: number;
  /** Of these, those that ended within the time: what rates are made of. */
  readonly inTime: { readonly operations: number; readonly bytes: number };
  /** Microseconds, HdrHistogram, compressed, base64; with what missed starts had waited. */
  readonly latencies: string;
  readonly errorsByKind: Record<string, { count: number; first: string }>;
}

export interface OpsSecond {
  operations: number;
  bytes: number;
  errors: number;
  /** Operations done by latency: heat bucket → count. */
  readonly heat: Record<number, number>;
}

export interface OpsResult {
  readonly tallies: readonly OperationTally[];
  readonly seconds: OpsSecond[];
  /** From the warm-up's end to the load's: what was under way then came after it. */
  readonly elapsedMs: number;
  /** Open loop: starts that came due while no room was left until the end; the histograms have what each had waited. */
  readonly missed: number;
  readonly steady: boolean;
  readonly stopped: string | null;
  readonly self: SelfCost;
  /** What was done, for a trace; without what failed. */
  readonly done: readonly TraceEntry[];
}
