/**
 * HDR histograms of microseconds (Gil Tene's HdrHistogram): three significant digits from a microsecond to hours, so
 * that a percentile is true to a tenth of a percent, whatever the number of samples.
 */
import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram,
} from 'hdr-histogram-js';

const HIGHEST_EXPECTED_MICROS = 3_600_000_000;

export interface LatencySummaryMs {
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export class LatencyHistogram {
  readonly #histogram: Histogram;

  constructor() {
    this.#histogram = build({
      lowestDiscernibleValue: 1,
      highestTrackableValue: HIGHEST_EXPECTED_MICROS,
      numberOfSignificantValueDigits: 3,
    });
  }

  get count(): number {
    return this.#histogram.totalCount;
  }

  recordMs(milliseconds: number): void {
    this.#histogram.recordValue(Math.max(0, Math.round(milliseconds * 1000)));
  }

  reset(): void {
    this.#histogram.reset();
  }

  /** Adds what `encode` gave of another. */
  addEncoded(text: string): void {
    this.#histogram.add(decodeFromCompressedBase64(text));
  }

  /** HdrHistogram's compressed V2 encoding as base64, which its tools of every language read. */
  encode(): string {
    return encodeIntoCompressedBase64(this.#histogram);
  }

  percentileMs(percentile: number): number {
    return this.count === 0 ? 0 : this.#histogram.getValueAtPercentile(percentile) / 1000;
  }

  summary(): LatencySummaryMs {
    return {
      mean: this.count === 0 ? 0 : Number((this.#histogram.mean / 1000).toFixed(3)),
      p50: this.percentileMs(50),
      p90: this.percentileMs(90),
      p99: this.percentileMs(99),
      p999: this.percentileMs(99.9),
      max: this.count === 0 ? 0 : this.#histogram.maxValue / 1000,
    };
  }
}
