/** The page and the rows of a run of streams. */
import type { SearchDocument } from '../search/search-document.ts';
import type { StreamsDocument } from '../streams/streams-document.ts';
import type { Second } from '../streams/tally.ts';
import { surroundings } from './surroundings.ts';
import { type Chart, chartHtml, type Page, pageHtml, type Section, tableHtml } from './html-page.ts';
import type { OutputForms } from './outputs.ts';
import { csvLines } from './outputs.ts';
import { COLORS, latencyMap, percentileChart, rateChart } from './time-charts.ts';
import { verdict } from './streams-table.ts';

const ROWS_SHOWN_MAX = 200;

/** MiB a second. */
export function bytesChart(document: StreamsDocument | SearchDocument): string {
  const values = document.seconds.map(({ bytes }) => bytes / 2 ** 20);
  return rateChart(document, {
    title: 'Rate',
    unit: 'MiB/s',
    series: [{ label: 'MiB/s', color: COLORS[0], values }],
  });
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

export function frameLatencies(seconds: readonly Second[]): string {
  return latencyMap(
    'Latency of frames over time',
    seconds.map(({ heat }) => heat),
  );
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
        html: bytesChart(document) + chartHtml(lateChart(seconds)) + frameLatencies(seconds),
      },
      {
        title: 'Latencies',
        html:
          percentileChart('Latency of a frame by percentile', [
            { label: 'ms', histogram: document.histogram },
          ]) + perStreamChart(document),
      },
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
