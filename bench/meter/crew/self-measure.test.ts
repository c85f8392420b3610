import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { LatencyHistogram } from '../../load/latency-histogram.ts';
import { invalidReasonsOf } from '../streams/streams-document.ts';
import { ContentRange } from '../targets/content-range.ts';
import type { CrewResult } from './crew.ts';
import { type SelfCost, SelfMeasure } from './self-measure.ts';

/** Computes until `isOver` says so; the loop goes round, and is never idle. */
async function busyUntil(isOver: () => boolean): Promise<void> {
  while (!isOver()) await turn();
}

function resultOf(self: SelfCost, framesLate: number): CrewResult {
  const latencies = new LatencyHistogram().encode();
  const row = {
    stream: 0,
    pattern: 'play' as const,
    framesTotal: 100,
    framesLate,
    framesDropped: 0,
    bytes: 100,
    firstFrameMs: 1,
    worstFrameMs: 1,
    worstLatenessMs: 1,
    bufferLowWaterFrames: 0,
    latencyMsP50: 1,
    latencyMsP99: 1,
    lateAtS: [],
    failure: null,
  };
  const tally = {
    rows: [row],
    readLatencies: latencies,
    recordLatencies: latencies,
    seconds: [],
    failuresByKind: {},
    units: 100,
    unitsMissed: 0,
    sendLagMsP99: 0,
  };
  const around = { framesPlanned: 100, stopped: null, lost: {}, startedAt: '', elapsedMs: 1000 };
  return { tally, self: { here: self }, ...around };
}

describe('what the meter costs', () => {
  test('is known of its busiest second, which an average hides', async () => {
    const measure = new SelfMeasure(new ContentRange('seed'), 1000);
    await sleep(2500);
    const slices = performance.now() + 2500;
    await busyUntil(() => performance.now() > slices);
    const cost = measure.finish();
    assert.ok(cost.utilizationMax >= 0.97, String(cost.utilizationMax));
    assert.ok(cost.utilization < 0.97, String(cost.utilization));
    assert.ok(cost.threadCpuShareMax >= cost.threadCpuShare);
    // Where frames were late it may be why; where none was it has done no harm.
    const late = invalidReasonsOf(resultOf(cost, 1));
    assert.ok(late.includes('meter-starved') || late.includes('meter-cpu'));
    assert.deepEqual(invalidReasonsOf(resultOf({ ...cost, threadCpuShare: 0.5 }, 0)), []);
  });

  test('counts nothing of what lies before the time that counts', async () => {
    const measure = new SelfMeasure(new ContentRange('seed'), 3_600_000);
    const until = performance.now() + 1500;
    await busyUntil(() => performance.now() > until);
    const cost = measure.finish();
    assert.equal(cost.utilizationMax, 0);
    assert.equal(cost.threadCpuShareMax, 0);
    assert.ok(cost.utilization > 0);
  });
});
