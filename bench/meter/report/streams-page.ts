/** The page and the rows of a run of streams. */
import { decodeFromCompressedBase64 } from 'hdr-histogram-js';
import { formatFigure } from '../../load/units.ts';
import type { StreamsDocument } from '../streams/streams-document.ts';
import { HEAT_BUCKETS, heatBucketMs, type Second } from '../streams/tally.ts';
import { surroundings } from './surroundings.ts';
import {
  type Chart,
  chartHtml,
  heatMapHtml,
  type Page,
  pageHtml,
  type Section,
  tableHtml,
} from './html-page.ts';
import type { OutputForms } from './outputs.ts';
import { csvLines } from './outputs.ts';
import { verdict } from './streams-table.ts';

const ROWS_SHOWN_MAX = 200;
const PERCENTILES = [50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99, 100];

export function rateChart(seconds: readonly Second[]): Chart {
  return {
    title: 'Rate',
    xLabel: 's',
    x: seconds.map((_, second) => second),
    yLabel: 'MiB/s',
    series: [
      {
        label: 'MiB/s',
        color: '#1c6e8c',
        values: seconds.map(({ bytes }) => Number((bytes / 2 ** 20).toFixed(2))),
      },
    ],
  };
}

export function lateChart(seconds: readonly Second[]): Chart {
  return {
    title: 'Late frames',
    xLabel: 's',
    x: seconds.map((_, second) => second),
    yLabel: 'frames',
    series: [{ label: 'late', color: '#c0392b', bars: true, values: seconds.map(({ late }) => late) }],
  };
}

function percentileChart(histogram: string): string {
  if (histogram === '') return '';
  const decoded = decodeFromCompressedBase64(histogram);
  if (decoded.totalCount === 0) return '';
  return chartHtml({
    title: 'Latency of a frame by percentile',
    xLabel: 'nines: 1 is 90 %, 2 is 99 %, 4 is 99.99 %',
    x: PERCENTILES.map((percentile) =>
      Number((-Math.log10(1 - Math.min(99.999, percentile) / 100)).toFixed(3)),
    ),
    yLabel: 'ms',
    logarithmic: true,
    series: [
      {
        label: 'ms',
        color: '#1c6e8c',
        values: PERCENTILES.map((percentile) =>
          Math.max(0.001, decoded.getValueAtPercentile(percentile) / 1000),
        ),
      },
    ],
  });
}

export function latencyMap(seconds: readonly Second[]): string {
  const used = seconds.flatMap(({ heat }) => Object.keys(heat).map(Number));
  if (used.length === 0) return '';
  const first = Math.min(...used);
  const last = Math.min(HEAT_BUCKETS - 1, Math.max(...used));
  return heatMapHtml({
    title: 'Latency of frames over time',
    columns: seconds.length,
    rowLabels: Array.from(
      { length: last - first + 1 },
      (_, row) => `${formatFigure(heatBucketMs(first + row))} ms`,
    ),
    xLabel: 'seconds',
    count: (column, row) => seconds[column]?.heat[first + row] ?? 0,
  });
}

function runsSection(document: StreamsDocument): Section {
  const header = [
    'run',
    'streams',
    'frames',
    'late',
    'dropped',
    'MiB/s',
    'first ms',
    'p50',
    'p99',
    'p99.99',
    'worst',
    'low water',
    'notes',
  ];
  const rows = document.runs.map((run) => {
    const latency = run.latencyMs ?? run.recordLatencyMs;
    return [
      run.run,
      run.streams,
      run.framesTotal,
      run.framesLate,
      run.framesDropped,
      run.mebibytesPerS,
      run.firstFrameMsMax,
      latency?.p50,
      latency?.p99,
      latency?.p9999,
      run.worstFrameMs,
      run.bufferLowWaterFrames,
      run.valid ? '' : `not valid: ${run.invalidReasons.join(' ')}`,
    ];
  });
  return { title: 'Runs', html: tableHtml(header, rows) };
}

function streamsSection(document: StreamsDocument): Section {
  const header = [
    'run',
    'stream',
    'pattern',
    'frames',
    'late',
    'dropped',
    'first ms',
    'p50',
    'p99',
    'worst',
    'low water',
    'failure',
  ];
  const sorted = document.rows.toSorted(
    (a, b) => b.framesLate - a.framesLate || b.worstFrameMs - a.worstFrameMs,
  );
  const rows = sorted
    .slice(0, ROWS_SHOWN_MAX)
    .map((row) => [
      row.run,
      row.stream,
      row.pattern,
      row.framesTotal,
      row.framesLate,
      row.framesDropped,
      row.firstFrameMs,
      row.latencyMsP50,
      row.latencyMsP99,
      row.worstFrameMs,
      row.bufferLowWaterFrames,
      row.failure ?? '',
    ]);
  const more =
    sorted.length > ROWS_SHOWN_MAX
      ? `<p class="note">The worst ${ROWS_SHOWN_MAX} of ${sorted.length}.</p>`
      : '';
  return { title: 'Streams, the worst first', html: tableHtml(header, rows) + more };
}

function perStreamChart(document: StreamsDocument): string {
  return chartHtml({
    title: 'Late frames by stream',
    xLabel: 'stream',
    x: document.rows.map((_, at) => at),
    yLabel: 'frames',
    series: [
      {
        label: 'late',
        color: '#c0392b',
        bars: true,
        values: document.rows.map(({ framesLate }) => framesLate),
      },
    ],
  });
}

function meterSection(document: StreamsDocument): Section {
  const header = [
    'run',
    'worker',
    'CPU s',
    'share of a core',
    'event loop busy',
    'loop late p99 ms',
    'compared MiB',
  ];
  const rows = document.runs.flatMap(({ run, meter }) =>
    Object.entries(meter.byWorker).map(([name, self]) => [
      run,
      name,
      self.cpuS,
      self.threadCpuShare,
      self.utilization,
      self.loopLagMsP99,
      (self.verifiedBytes / 2 ** 20).toFixed(0),
    ]),
  );
  return { title: 'The meter itself', html: tableHtml(header, rows) };
}

function pageOf(document: StreamsDocument): Page {
  const { seconds } = document;
  const codec = String(document.settings['codec']);
  const duration = Number(document.settings['durationMs']) / 1000;
  return {
    title: `Media storage meter: ${document.streams} × ${codec}`,
    verdict: verdict(document, codec, duration),
    outcome: document.framesLate > 0 ? 'bad' : document.valid ? 'good' : 'doubtful',
    sections: [
      runsSection(document),
      {
        title: 'Over time (last run)',
        html: chartHtml(rateChart(seconds)) + chartHtml(lateChart(seconds)) + latencyMap(seconds),
      },
      { title: 'Latencies', html: percentileChart(document.histogram) + perStreamChart(document) },
      streamsSection(document),
      meterSection(document),
      ...surroundings(document),
    ],
  };
}

const CSV_COLUMNS = [
  'run',
  'stream',
  'pattern',
  'framesTotal',
  'framesLate',
  'framesDropped',
  'bytes',
  'firstFrameMs',
  'latencyMsP50',
  'latencyMsP99',
  'worstFrameMs',
  'worstLatenessMs',
  'bufferLowWaterFrames',
  'failure',
] as const;

export const streamsForms: OutputForms<StreamsDocument> = {
  csv: ({ rows }) =>
    csvLines(
      CSV_COLUMNS,
      rows.map((row) => CSV_COLUMNS.map((column) => row[column])),
    ),
  html: (document) => pageHtml(pageOf(document)),
};
