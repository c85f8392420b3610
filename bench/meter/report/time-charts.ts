/** Charts that the pages share: what happened in each second of the last run, and latencies by percentile. */
import { decodeFromCompressedBase64 } from 'hdr-histogram-js';
import { formatFigure } from '../../load/units.ts';
import { HEAT_BUCKETS, heatBucketMs } from '../streams/tally.ts';
import { chartHtml, heatMapHtml, type Series } from './html-page.ts';
import type { MeterDocument } from './meter-document.ts';

const PERCENTILES = [50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99, 100];
/** Of a second that is counted by less, no rate is told. */
const SHARE_MIN = 0.2;
export const COLORS = ['#1c6e8c', '#c98a00', '#2a8a4a', '#7a4fa3', '#c0392b'] as const;

/**
 * What of each second was counted: the warm-up was not, and the run seldom ends with a second; 0 where that is too
 * little to make a rate of.
 */
export function countedShares({ settings }: MeterDocument, seconds: number): number[] {
  const fromS = Number(settings['warmupMs'] ?? 0) / 1000;
  const toS = fromS + Number(settings['durationMs'] ?? Number.POSITIVE_INFINITY) / 1000;
  return Array.from({ length: seconds }, (_, second) => {
    const share = Math.min(second + 1, toS) - Math.max(second, fromS);
    return share < SHARE_MIN ? 0 : share;
  });
}

/** Lines of figures a second over the run's seconds. */
export function rateChart(
  document: MeterDocument,
  { title, unit, series }: { title: string; unit: string; series: readonly Series[] },
): string {
  const length = Math.max(0, ...series.map(({ values }) => values.length));
  const shares = countedShares(document, length);
  const rated = series.map((one) => ({
    ...one,
    values: one.values.map((value, second) => {
      const share = shares[second] ?? 0;
      return share === 0 || value === null ? null : Number((value / share).toFixed(2));
    }),
  }));
  return chartHtml({ title, xLabel: 's', x: shares.map((_, second) => second), yLabel: unit, series: rated });
}

/** How many had which latency in each second: heat bucket → count. */
export function latencyMap(title: string, heats: readonly Readonly<Record<number, number>>[]): string {
  const used = [...new Set(heats.flatMap((heat) => Object.keys(heat)))].map(Number);
  if (used.length === 0) return '';
  const first = Math.min(...used);
  const last = Math.min(HEAT_BUCKETS - 1, Math.max(...used));
  return heatMapHtml({
    title,
    columns: heats.length,
    rowLabels: Array.from(
      { length: last - first + 1 },
      (_, row) => `${formatFigure(heatBucketMs(first + row))} ms`,
    ),
    xLabel: 'seconds',
    count: (column, row) => heats[column]?.[first + row] ?? 0,
  });
}

export interface LabelledHistogram {
  readonly label: string;
  /** HdrHistogram of microseconds, compressed, base64; '' when there is none. */
  readonly histogram: string;
}

export function percentileChart(title: string, histograms: readonly LabelledHistogram[]): string {
  const series = histograms.flatMap(({ label, histogram }, at): Series[] => {
    const decoded = histogram === '' ? undefined : decodeFromCompressedBase64(histogram);
    if (decoded === undefined || decoded.totalCount === 0) return [];
    const values = PERCENTILES.map((percentile) =>
      Math.max(0.001, decoded.getValueAtPercentile(percentile) / 1000),
    );
    return [{ label, color: COLORS[at % COLORS.length] ?? COLORS[0], values }];
  });
  if (series.length === 0) return '';
  return chartHtml({
    title,
    xLabel: 'nines: 1 is 90 %, 2 is 99 %, 4 is 99.99 %',
    x: PERCENTILES.map((percentile) =>
      Number((-Math.log10(1 - Math.min(99.999, percentile) / 100)).toFixed(3)),
    ),
    yLabel: 'ms',
    logarithmic: true,
    series,
  });
}
