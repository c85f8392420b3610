/** MSMeter's accumulators: by mode and by block size, with the sums of both; and beside them percentiles of each I/O. */
import { LatencyHistogram } from '../../load/latency-histogram.ts';
import { percentilesOf, type Percentiles } from '../report/percentiles.ts';
import { type AccessMode, accessModes } from './access.ts';

export interface ClassicCell {
  /** Null is for all of them. */
  readonly mode: AccessMode | null;
  readonly blockBytes: number | null;
  readonly accesses: number;
  readonly bytes: number;
  /** Of all blocks, without opening and closing. */
  readonly accessMs: number;
  /** Millions of bytes a second, as MSMeter reckons. */
  readonly megabytesPerS: number;
  readonly latencyMsAverage: number;
  readonly latencyMsMax: number;
  /** Of each read or write of a block. */
  readonly ioMs: Percentiles | null;
}

export interface TimeWindow {
  /** Since the start. */
  readonly fromMs: number;
  bytes: number;
  accesses: number;
  ioMsMax: number;
}

interface Sums {
  accesses: number;
  bytes: number;
  accessMs: number;
  latencyMs: number;
  latencyMsMax: number;
  readonly io: LatencyHistogram;
}

function keyOf(mode: AccessMode | null, blockBytes: number | null): string {
  return `${mode ?? ''} ${blockBytes ?? ''}`;
}

export class ClassicTally {
  readonly #sums = new Map<string, Sums>();
  readonly #windowMs: number;
  readonly windows: TimeWindow[] = [];

  /** @param windowMs of the short-window rates, EBU's addition: a frame's duration, say. */
  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** One read or write of a block. */
  io(mode: AccessMode, blockBytes: number, startedMs: number, tookMs: number): void {
    for (const sums of this.#all(mode, blockBytes)) {
      sums.bytes += blockBytes;
      sums.accessMs += tookMs;
      sums.io.recordMs(tookMs);
    }
    const window = this.#window(startedMs + tookMs);
    window.bytes += blockBytes;
    window.ioMsMax = Math.max(window.ioMsMax, tookMs);
  }

  /** One access as a whole. */
  access(
    mode: AccessMode,
    blockBytes: number,
    times: { readonly endedMs: number; readonly latencyMs: number; readonly closeMs: number },
  ): void {
    const { endedMs, latencyMs, closeMs } = times;
    for (const sums of this.#all(mode, blockBytes)) {
      sums.accesses++;
      sums.accessMs += closeMs;
      sums.latencyMs += latencyMs;
      sums.latencyMsMax = Math.max(sums.latencyMsMax, latencyMs);
    }
    this.#window(endedMs).accesses++;
  }

  cells(blockSizes: readonly number[]): ClassicCell[] {
    return [...accessModes, null].flatMap((mode) =>
      [...blockSizes, null].map((blockBytes) => this.#cell(mode, blockBytes)),
    );
  }

  #cell(mode: AccessMode | null, blockBytes: number | null): ClassicCell {
    const sums = this.#sums.get(keyOf(mode, blockBytes));
    const rounded = (value: number): number => Number(value.toFixed(3));
    if (sums === undefined)
      return {
        mode,
        blockBytes,
        accesses: 0,
        bytes: 0,
        accessMs: 0,
        megabytesPerS: 0,
        latencyMsAverage: 0,
        latencyMsMax: 0,
        ioMs: null,
      };
    return {
      mode,
      blockBytes,
      accesses: sums.accesses,
      bytes: sums.bytes,
      accessMs: rounded(sums.accessMs),
      megabytesPerS: sums.accessMs === 0 ? 0 : rounded(sums.bytes / sums.accessMs / 1000),
      latencyMsAverage: sums.accesses === 0 ? 0 : rounded(sums.latencyMs / sums.accesses),
      latencyMsMax: rounded(sums.latencyMsMax),
      ioMs: percentilesOf([sums.io.encode()]),
    };
  }

  #all(mode: AccessMode, blockBytes: number): Sums[] {
    const keys = [keyOf(mode, blockBytes), keyOf(mode, null), keyOf(null, blockBytes), keyOf(null, null)];
    return keys.map((key) => {
      const known = this.#sums.get(key);
      if (known !== undefined) return known;
      const sums = {
        accesses: 0,
        bytes: 0,
        accessMs: 0,
        latencyMs: 0,
        latencyMsMax: 0,
        io: new LatencyHistogram(),
      };
      this.#sums.set(key, sums);
      return sums;
    });
  }

  #window(atMs: number): TimeWindow {
    const at = Math.max(0, Math.floor(atMs / this.#windowMs));
    while (this.windows.length <= at)
      this.windows.push({ fromMs: this.windows.length * this.#windowMs, bytes: 0, accesses: 0, ioMsMax: 0 });
    return this.windows[at] as TimeWindow;
  }
}
