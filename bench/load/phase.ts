/** What a worker is told to do for one phase of a cell, and what it tells of it. All of it can be cloned. */
export const operations = ['put', 'get', 'head', 'list', 'delete'] as const;
export type Operation = (typeof operations)[number];

/** What is measured, or what must be done around it. `clear` deletes what is left and minds no absence. */
export type Activity = Operation | 'clear';

/** One combination of size and concurrency in one round: it has objects of its own. */
export interface Cell {
  readonly number: number;
  readonly sizeBytes: number;
}

/** One worker's share of a phase. */
export interface PhaseOrder {
  readonly cell: Cell;
  readonly activity: Activity;
  readonly connections: number;
  /** Milliseconds before the measured time, whose operations are not recorded. */
  readonly warmupMs: number;
  /** Milliseconds of measured time; Infinity when `operationsMax` ends it. */
  readonly durationMs: number;
  /** Recorded operations after which the phase ends; Infinity when the time ends it. */
  readonly operationsMax: number;
  /** Starts a second of an open loop; undefined for a closed loop. */
  readonly ratePerS: number | undefined;
  /** Share of the interval between two starts by which this worker's are shifted, 0 … 1. */
  readonly rateOffset: number;
}

export interface CountedFailure {
  readonly kind: string;
  readonly count: number;
  /** What the first of them said. */
  readonly first: string;
}

export interface PhaseResult {
  /** Operations that succeeded in the measured time. */
  readonly operations: number;
  readonly bytes: number;
  readonly keys: number;
  /** Open loop: starts that came due in the measured time and found no free connection before its end. */
  readonly missed: number;
  readonly failures: readonly CountedFailure[];
  /** Why the worker gave up before the time was over. */
  readonly abandoned: string | undefined;
  /** Latencies in microseconds, HDR histogram, compressed, base64. */
  readonly latencies: string;
  /** Open loop: microseconds by which starts on free connections came late, same form. */
  readonly scheduleLags: string;
  /** Start and end of the measured time: milliseconds of a clock that all workers share. */
  readonly measuredFromMs: number;
  readonly measuredToMs: number;
  readonly generator: GeneratorCost;
  readonly objectsPresent: number;
}

/** What the generator's own work in the measured time cost this worker. */
export interface GeneratorCost {
  /** CPU time of the thread. */
  readonly cpuMs: number;
  /** Share of the time in which the event loop had something to do, 0 … 1. */
  readonly utilization: number;
  /** 99th percentile of the milliseconds by which a timer fired late. */
  readonly loopLagMsP99: number;
  readonly generatingMs: number;
  readonly checkingMs: number;
  readonly checkedBytes: number;
  /** Connections opened anew because the server had closed them. */
  readonly reconnects: number;
}
