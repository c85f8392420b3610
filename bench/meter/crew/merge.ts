/** What several workers saw of one run, as one. */
import { LatencyHistogram } from '../../load/latency-histogram.ts';
import type { LiveStreamFigures, Second, StreamTally } from '../streams/tally.ts';

function mergedHistograms(encoded: readonly string[]): string {
  const histogram = new LatencyHistogram();
  for (const one of encoded) histogram.addEncoded(one);
  return histogram.encode();
}

function mergedHeat(all: readonly Readonly<Record<number, number>>[]): Record<number, number> {
  const merged: Record<number, number> = {};
  for (const heat of all)
    for (const [bucket, frames] of Object.entries(heat))
      merged[Number(bucket)] = (merged[Number(bucket)] ?? 0) + frames;
  return merged;
}

function mergedSeconds(tallies: readonly StreamTally[]): Second[] {
  const length = Math.max(0, ...tallies.map(({ seconds }) => seconds.length));
  return Array.from({ length }, (_, at) => {
    const found = tallies.flatMap(({ seconds }) => seconds[at] ?? []);
    const sum = (of: (second: Second) => number): number => found.reduce((total, one) => total + of(one), 0);
    return {
      bytes: sum((one) => one.bytes),
      frames: sum((one) => one.frames),
      late: sum((one) => one.late),
      latencyMsMax: Math.max(0, ...found.map((one) => one.latencyMsMax)),
      heat: mergedHeat(found.map((one) => one.heat)),
    };
  });
}

export function mergeTallies(tallies: readonly StreamTally[]): StreamTally {
  const sum = (of: (tally: StreamTally) => number): number =>
    tallies.reduce((total, one) => total + of(one), 0);
  const failuresByKind: Record<string, { count: number; first: string }> = {};
  for (const tally of tallies)
    for (const [kind, { count, first }] of Object.entries(tally.failuresByKind)) {
      const known = failuresByKind[kind];
      failuresByKind[kind] = { count: (known?.count ?? 0) + count, first: known?.first ?? first };
    }
  return {
    rows: tallies.flatMap(({ rows }) => rows).toSorted((a, b) => a.stream - b.stream),
    readLatencies: mergedHistograms(tallies.map((one) => one.readLatencies)),
    recordLatencies: mergedHistograms(tallies.map((one) => one.recordLatencies)),
    seconds: mergedSeconds(tallies),
    failuresByKind,
    units: sum((one) => one.units),
    unitsMissed: sum((one) => one.unitsMissed),
    sendLagMsP99: Math.max(0, ...tallies.map((one) => one.sendLagMsP99)),
  };
}

export function mergeFigures(all: readonly LiveStreamFigures[]): LiveStreamFigures {
  const sum = (of: (one: LiveStreamFigures) => number): number =>
    all.reduce((total, one) => total + of(one), 0);
  return {
    framesTotal: sum((one) => one.framesTotal),
    framesLate: sum((one) => one.framesLate),
    framesDropped: sum((one) => one.framesDropped),
    bytes: sum((one) => one.bytes),
    latencyMsP99: Math.max(0, ...all.map((one) => one.latencyMsP99)),
    heat: mergedHeat(all.map((one) => one.heat)),
  };
}
