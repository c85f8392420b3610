/**
 * The JSON document of a run; `docs/bench.md` explains every figure. A field is added freely; when one changes its
 * meaning or goes, the version rises.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { errorText, HoldfastError } from '#common/errors.ts';
import type { LatencySummaryMs } from '../load/latency-histogram.ts';
import type { Operation } from '../load/phase.ts';

export const DOCUMENT_SCHEMA = 'holdfast-bench-load';
export const DOCUMENT_SCHEMA_VERSION = 1;

export interface Machine {
  readonly processor: string;
  readonly processors: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly node: string;
  /** MD5 of this machine at the start of the run, one core: tells a slow hour of a shared machine from a slow server. */
  readonly md5MiBPerS: number;
}

export interface RowServer {
  readonly cpuS: number;
  readonly cpuMsPerOperation: number | null;
  /** Null where no bodies moved. */
  readonly cpuSPerGiB: number | null;
  readonly cpuSByProcess: Readonly<Record<string, number>>;
}

export interface RowGenerator {
  /** CPU of the whole generator process. */
  readonly cpuS: number;
  readonly cpuMicrosPerOperation: number | null;
  readonly cpuSPerGiB: number | null;
  /** Of the busiest thread: share of one processor. */
  readonly busiestCpuShare: number;
  /** Of the busiest thread: share of the time in which its event loop had work. */
  readonly busiestUtilization: number;
  readonly loopLagMsP99: number;
  readonly generatingMicrosPerOperation: number | null;
  readonly checkingMicrosPerOperation: number | null;
  readonly checkedBytes: number;
  readonly reconnects: number;
}

/** Percent of one processor, as top shows it. */
export interface RowMachine {
  readonly busyPercent: number;
  /** Of that, neither the generator's nor the watched servers'; null when no servers are watched. */
  readonly otherPercent: number | null;
  readonly ioWaitPercent: number;
  readonly stealPercent: number;
}

export interface Row {
  readonly operation: Operation;
  readonly sizeBytes: number;
  readonly concurrency: number;
  readonly repeat: number;
  readonly ratePerS: number | null;
  readonly rangeBytes: number | null;
  readonly multipartBytes: number | null;
  readonly operations: number;
  readonly bytes: number;
  readonly elapsedS: number;
  readonly operationsPerS: number;
  readonly mebibytesPerS: number;
  readonly keysPerS: number | null;
  readonly latencyMs: LatencySummaryMs;
  readonly errors: number;
  readonly errorsByKind: Readonly<Record<string, { readonly count: number; readonly first: string }>>;
  /** Open loop: starts that found no free connection before the end. */
  readonly missed: number;
  readonly scheduleLagMs: { readonly p50: number; readonly p99: number } | null;
  readonly generator: RowGenerator;
  readonly server: RowServer | null;
  readonly machine: RowMachine | null;
  readonly valid: boolean;
  readonly invalidReasons: readonly string[];
  /** HdrHistogram of microseconds, compressed V2 encoding, base64. */
  readonly histogram: string;
}

export interface LoadDocument {
  readonly schema: typeof DOCUMENT_SCHEMA;
  readonly schemaVersion: number;
  readonly startedAt: string;
  finishedAt: string | null;
  /** Whether every cell was measured. */
  complete: boolean;
  /** Why not: `interrupted`, or what went wrong. */
  stopped: string | null;
  /** Whether every row is. */
  valid: boolean;
  readonly machine: Machine;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly rows: Row[];
}

export function describeMachine(md5MiBPerS: number): Machine {
  const processors = cpus();
  return {
    processor: processors[0]?.model.trim() ?? 'unknown',
    processors: processors.length,
    memoryBytes: totalmem(),
    kernel: `Linux ${release()}`,
    node: process.version,
    md5MiBPerS,
  };
}

/** Written whole, then renamed: whenever the run ends, the file is a document. */
export function writeDocument(path: string, document: LoadDocument): void {
  try {
    const temporary = `${path}.${process.pid}.tmp`;
    writeFileSync(temporary, `${JSON.stringify(document, null, 2)}\n`);
    renameSync(temporary, path);
  } catch (error) {
    throw new HoldfastError('invalid-argument', `cannot write ${path}: ${errorText(error)}`, {
      cause: error,
    });
  }
}

/** Throws `format-invalid` when the file is no document of this version. */
export function readDocument(path: string): LoadDocument {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new HoldfastError('format-invalid', `cannot read ${path}: ${errorText(error)}`, { cause: error });
  }
  if (typeof value !== 'object' || value === null)
    throw new HoldfastError('format-invalid', `${path} is not a result of bench load`);
  const document = value as Partial<LoadDocument>;
  if (document.schema !== DOCUMENT_SCHEMA || !Array.isArray(document.rows))
    throw new HoldfastError('format-invalid', `${path} is not a result of bench load`);
  if (document.schemaVersion !== DOCUMENT_SCHEMA_VERSION)
    throw new HoldfastError(
      'format-invalid',
      `${path} has version ${document.schemaVersion}, this program reads ${DOCUMENT_SCHEMA_VERSION}`,
    );
  return document as LoadDocument;
}
