/** What the streams of one process have seen: a row for each, histograms and a time line for all. */
import { LatencyHistogram } from '../../load/latency-histogram.ts';
import type { OperationFailure } from '../../load/operation-failure.ts';
import type { Pattern } from './pattern.ts';

/** Buckets of the heat map: from 0.1 ms, three to a factor of two. */
export const HEAT_BUCKETS = 54;
const HEAT_FIRST_MS = 0.1;
const HEAT_BUCKETS_PER_OCTAVE = 3;
const LATE_MOMENTS_MAX = 20;
/** Latencies kept of one stream, for its own percentiles. */
const SAMPLES_MAX = 20_000;
const KINDS_MAX = 50;

export interface StreamRow {
  readonly stream: number;
  readonly pattern: Pattern;
  framesTotal: number;
  framesLate: number;
  framesDropped: number;
  bytes: number;
  /** From the stream's start to its first frame; null when that never came. */
  firstFrameMs: number | null;
  /** Longest from when a frame was asked for to when it was there. */
  worstFrameMs: number;
  /** Longest past a frame's deadline. */
  worstLatenessMs: number;
  /** Fewest frames by which one came before its deadline; 0 when one came after. */
  bufferLowWaterFrames: number | null;
  latencyMsP50: number;
  latencyMsP99: number;
  /** Seconds of the run at which frames were due that were late, the first ones. */
  readonly lateAtS: number[];
  /** What the first failure said. */
  failure: string | null;
}

export interface Second {
  bytes: number;
  frames: number;
  late: number;
  latencyMsMax: number;
  /** Frames by latency: heat bucket → count. */
  readonly heat: Record<number, number>;
}

/** What one process tells of a run. All of it can be cloned. */
export interface StreamTally {
  readonly rows: StreamRow[];
  /** Latencies of frames in microseconds, HdrHistogram, compressed, base64: read and recorded. */
  readonly readLatencies: string;
  readonly recordLatencies: string;
  readonly seconds: Second[];
  readonly failuresByKind: Record<string, { count: number; first: string }>;
  /** Units asked for, and those of them that the meter itself asked for too late. */
  readonly units: number;
  readonly unitsMissed: number;
  readonly sendLagMsP99: number;
}

export interface FrameRecord {
  readonly stream: number;
  readonly frame: number;
  readonly dueMs: number;
  readonly doneMs: number;
  readonly latencyMs: number;
  readonly late: boolean;
  readonly dropped: boolean;
}

export interface UnitOutcome {
  readonly slots: number;
  readonly firstSlot: number;
  readonly bytes: number;
  /** Of the run's clock, all of them. */
  readonly askedMs: number;
  readonly dueMs: number;
  readonly intervalMs: number;
  /** How long a frame lasts. */
  readonly frameMs: number;
  readonly doneMs: number;
  readonly failure: OperationFailure | undefined;
}

export function heatBucket(latencyMs: number): number {
  const bucket = Math.floor(Math.log2(latencyMs / HEAT_FIRST_MS) * HEAT_BUCKETS_PER_OCTAVE);
  return Math.max(0, Math.min(HEAT_BUCKETS - 1, Number.isNaN(bucket) ? 0 : bucket));
}

/** Lower bound of a bucket. */
export function heatBucketMs(bucket: number): number {
  return HEAT_FIRST_MS * 2 ** (bucket / HEAT_BUCKETS_PER_OCTAVE);
}

function rounded(milliseconds: number): number {
  return Number(milliseconds.toFixed(3));
}

export class StreamCounter {
  readonly row: StreamRow;
  readonly #samples: number[] = [];

  constructor(stream: number, pattern: Pattern) {
    this.row = {
      stream,
      pattern,
      framesTotal: 0,
      framesLate: 0,
      framesDropped: 0,
      bytes: 0,
      firstFrameMs: null,
      worstFrameMs: 0,
      worstLatenessMs: 0,
      bufferLowWaterFrames: null,
      latencyMsP50: 0,
      latencyMsP99: 0,
      lateAtS: [],
      failure: null,
    };
  }

  sample(latencyMs: number): void {
    if (this.#samples.length < SAMPLES_MAX) this.#samples.push(latencyMs);
  }

  finished(): StreamRow {
    const sorted = this.#samples.toSorted((a, b) => a - b);
    const at = (share: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    this.row.latencyMsP50 = rounded(at(0.5));
    this.row.latencyMsP99 = rounded(at(0.99));
    this.row.worstFrameMs = rounded(this.row.worstFrameMs);
    this.row.worstLatenessMs = rounded(this.row.worstLatenessMs);
    return this.row;
  }
}

export class RunCounter {
  readonly streams: StreamCounter[] = [];
  readonly #readLatencies = new LatencyHistogram();
  readonly #recordLatencies = new LatencyHistogram();
  readonly #live = new LatencyHistogram();
  readonly #sendLags = new LatencyHistogram();
  readonly #seconds: Second[] = [];
  readonly #failures = new Map<string, { count: number; first: string }>();
  readonly #dropAfterMs: number;
  readonly #onFrame: ((record: FrameRecord) => void) | undefined;
  #units = 0;
  #unitsMissed = 0;
  #failuresInARow = 0;

  /** @param dropAfterMs past its deadline, from which a frame counts as dropped too. */
  constructor(dropAfterMs: number, onFrame?: (record: FrameRecord) => void) {
    this.#dropAfterMs = dropAfterMs;
    this.#onFrame = onFrame;
  }

  get framesLate(): number {
    return this.streams.reduce((total, { row }) => total + row.framesLate, 0);
  }

  get failuresInARow(): number {
    return this.#failuresInARow;
  }

  get firstFailure(): string | undefined {
    return this.#failures.values().next().value?.first;
  }

  /** @param lagMs by which the meter itself was late to ask. */
  asked(lagMs: number, intervalMs: number): void {
    this.#units++;
    this.#sendLags.recordMs(lagMs);
    if (lagMs > intervalMs) this.#unitsMissed++;
  }

  /** @param countedFromSlot the first frame that counts: those before it warm up. */
  done(stream: StreamCounter, unit: UnitOutcome, countedFromSlot: number): void {
    if (unit.failure === undefined) this.#failuresInARow = 0;
    else this.#failed(stream, unit.failure);
    const { row } = stream;
    const latencyMs = unit.doneMs - unit.askedMs;
    if (unit.firstSlot === 0 && unit.failure === undefined) row.firstFrameMs = rounded(latencyMs);
    const firstCounted = Math.max(0, countedFromSlot - unit.firstSlot);
    if (firstCounted >= unit.slots) return;
    const second = this.#second(unit.doneMs);
    const histogram = row.pattern === 'record' ? this.#recordLatencies : this.#readLatencies;
    stream.sample(latencyMs);
    if (unit.failure === undefined) {
      // Of frames that are unlike, a share: a unit's are asked for together.
      const bytes = Math.round((unit.bytes * (unit.slots - firstCounted)) / unit.slots);
      row.bytes += bytes;
      second.bytes += bytes;
    }
    for (let slot = firstCounted; slot < unit.slots; slot++) {
      this.#frame(row, second, unit, slot, latencyMs);
      histogram.recordMs(latencyMs);
      this.#live.recordMs(latencyMs);
    }
    row.worstFrameMs = Math.max(row.worstFrameMs, latencyMs);
    second.latencyMsMax = Math.max(second.latencyMsMax, rounded(latencyMs));
  }

  figures(): LiveStreamFigures {
    const latencyMsP99 = this.#live.percentileMs(99);
    this.#live.reset();
    const rows = this.streams.map(({ row }) => row);
    const sum = (of: (row: StreamRow) => number): number => rows.reduce((total, row) => total + of(row), 0);
    return {
      framesTotal: sum((row) => row.framesTotal),
      framesLate: sum((row) => row.framesLate),
      framesDropped: sum((row) => row.framesDropped),
      bytes: sum((row) => row.bytes),
      latencyMsP99,
      heat: this.#seconds.at(-1)?.heat ?? {},
    };
  }

  tally(): StreamTally {
    return {
      rows: this.streams.map((stream) => stream.finished()),
      readLatencies: this.#readLatencies.encode(),
      recordLatencies: this.#recordLatencies.encode(),
      seconds: this.#seconds,
      failuresByKind: Object.fromEntries(this.#failures),
      units: this.#units,
      unitsMissed: this.#unitsMissed,
      sendLagMsP99: this.#sendLags.percentileMs(99),
    };
  }

  #frame(row: StreamRow, second: Second, unit: UnitOutcome, slot: number, latencyMs: number): void {
    const dueMs = unit.dueMs + slot * unit.intervalMs;
    const latenessMs = unit.doneMs - dueMs;
    const late = latenessMs > 0 || unit.failure !== undefined;
    const dropped = latenessMs > this.#dropAfterMs || unit.failure !== undefined;
    row.framesTotal++;
    second.frames++;
    const bucket = heatBucket(latencyMs);
    second.heat[bucket] = (second.heat[bucket] ?? 0) + 1;
    if (late) {
      row.framesLate++;
      second.late++;
      row.worstLatenessMs = Math.max(row.worstLatenessMs, latenessMs);
      if (row.lateAtS.length < LATE_MOMENTS_MAX) row.lateAtS.push(Number((dueMs / 1000).toFixed(3)));
    }
    if (dropped) row.framesDropped++;
    const inHand = late ? 0 : Math.floor(-latenessMs / unit.frameMs);
    row.bufferLowWaterFrames = Math.min(row.bufferLowWaterFrames ?? inHand, inHand);
    const frame = unit.firstSlot + slot;
    this.#onFrame?.({ stream: row.stream, frame, dueMs, doneMs: unit.doneMs, latencyMs, late, dropped });
  }

  #failed(stream: StreamCounter, failure: OperationFailure): void {
    this.#failuresInARow++;
    stream.row.failure ??= failure.message;
    const kind = this.#failures.size < KINDS_MAX ? failure.kind : 'other';
    const known = this.#failures.get(kind);
    if (known === undefined) this.#failures.set(kind, { count: 1, first: failure.message });
    else known.count++;
  }

  #second(doneMs: number): Second {
    const at = Math.max(0, Math.floor(doneMs / 1000));
    while (this.#seconds.length <= at)
      this.#seconds.push({ bytes: 0, frames: 0, late: 0, latencyMsMax: 0, heat: {} });
    return this.#seconds[at] as Second;
  }
}

export interface LiveStreamFigures {
  readonly framesTotal: number;
  readonly framesLate: number;
  readonly framesDropped: number;
  readonly bytes: number;
  /** Of the frames since the figures before. */
  readonly latencyMsP99: number;
  /** Of the latest second. */
  readonly heat: Readonly<Record<number, number>>;
}
