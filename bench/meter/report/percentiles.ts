/** The percentiles that every table of the meter shows. */
import { LatencyHistogram } from '../../load/latency-histogram.ts';

export interface Percentiles {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly p9999: number;
  readonly max: number;
}

/** Milliseconds, out of encoded histograms; null when nothing was recorded. */
export function percentilesOf(encoded: readonly string[]): Percentiles | null {
  const histogram = new LatencyHistogram();
  for (const one of encoded) if (one !== '') histogram.addEncoded(one);
  if (histogram.count === 0) return null;
  return { count: histogram.count, ...histogram.summary(), p9999: histogram.percentileMs(99.99) };
}

export function mergedHistogram(encoded: readonly string[]): string {
  const histogram = new LatencyHistogram();
  for (const one of encoded) if (one !== '') histogram.addEncoded(one);
  return histogram.encode();
}
