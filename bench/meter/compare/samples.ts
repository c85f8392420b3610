/** The figures of a document that are compared, each with all its samples: one a repeat. */
import type { ClassicDocument } from '../classic/classic-document.ts';
import type { OpsDocument } from '../ops/ops-document.ts';
import type { MeterDocument } from '../report/meter-document.ts';
import type { SearchDocument } from '../search/search-document.ts';
import type { RunFigures, StreamsDocument } from '../streams/streams-document.ts';

export interface Figure {
  readonly name: string;
  /** Which way is better. */
  readonly better: 'more' | 'less';
  readonly samples: readonly number[];
}

type Pick = (run: RunFigures) => number | null | undefined;

const STREAM_FIGURES: readonly (readonly [string, Figure['better'], Pick])[] = [
  ['frames late', 'less', (run) => run.framesLate],
  ['frames dropped', 'less', (run) => run.framesDropped],
  ['MiB/s', 'more', (run) => run.mebibytesPerS],
  ['first frame ms', 'less', (run) => run.firstFrameMsMax],
  ['p50 ms', 'less', (run) => (run.latencyMs ?? run.recordLatencyMs)?.p50],
  ['p99 ms', 'less', (run) => (run.latencyMs ?? run.recordLatencyMs)?.p99],
  ['p99.99 ms', 'less', (run) => (run.latencyMs ?? run.recordLatencyMs)?.p9999],
  ['worst frame ms', 'less', (run) => run.worstFrameMs],
  ['meter CPU s/GiB', 'less', (run) => run.meter.cpuSPerGiB],
];

function ofStreams({ runs }: StreamsDocument): Figure[] {
  // Runs in which the meter was in the way count only where all are such.
  const valid = runs.filter((run) => run.valid);
  const chosen = valid.length > 0 ? valid : runs;
  return STREAM_FIGURES.map(([name, better, of]) => ({
    name,
    better,
    samples: chosen.flatMap((run) => of(run) ?? []),
  }));
}

function ofSearch({ healthy, during }: SearchDocument): Figure[] {
  return [
    { name: 'streams', better: 'more', samples: healthy === null ? [] : [healthy.streams] },
    { name: 'streams during the fault', better: 'more', samples: during === null ? [] : [during.streams] },
  ];
}

function ofClassic({ cells }: ClassicDocument): Figure[] {
  return cells
    .filter(({ blockBytes, accesses }) => blockBytes === null && accesses > 0)
    .flatMap(({ mode, megabytesPerS, latencyMsAverage }) => [
      { name: `${mode ?? 'all'} MB/s`, better: 'more' as const, samples: [megabytesPerS] },
      { name: `${mode ?? 'all'} latency ms`, better: 'less' as const, samples: [latencyMsAverage] },
    ]);
}

function ofOps({ runs }: OpsDocument): Figure[] {
  const operations = [
    ...new Set(runs.flatMap(({ operations: found }) => found.map(({ operation }) => operation))),
  ];
  return operations.flatMap((operation) => {
    const rows = runs.flatMap(({ operations: found }) => found.filter((row) => row.operation === operation));
    return [
      { name: `${operation} op/s`, better: 'more' as const, samples: rows.map((row) => row.operationsPerS) },
      {
        name: `${operation} p50 ms`,
        better: 'less' as const,
        samples: rows.flatMap((row) => row.latencyMs?.p50 ?? []),
      },
      {
        name: `${operation} p99 ms`,
        better: 'less' as const,
        samples: rows.flatMap((row) => row.latencyMs?.p99 ?? []),
      },
    ];
  });
}

export function figuresOf(document: MeterDocument): Figure[] {
  switch (document.schema) {
    case 'holdfast-meter-streams':
      return ofStreams(document as StreamsDocument);
    case 'holdfast-meter-search':
      return ofSearch(document as SearchDocument);
    case 'holdfast-meter-classic':
      return ofClassic(document as ClassicDocument);
    case 'holdfast-meter-ops':
      return ofOps(document as OpsDocument);
    default:
      return [];
  }
}

/** The same figures of several documents: their samples together. */
export function gathered(documents: readonly MeterDocument[]): Figure[] {
  const all = documents.flatMap(figuresOf);
  return [...Map.groupBy(all, ({ name }) => name).values()].map((same) => ({
    name: same[0]?.name ?? '',
    better: same[0]?.better ?? 'more',
    samples: same.flatMap(({ samples }) => samples),
  }));
}
