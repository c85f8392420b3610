import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LatencyHistogram } from '../../load/latency-histogram.ts';
import { opsRunOf } from './ops-document.ts';
import type { OpsResult } from './ops-order.ts';
import { isSteady, ratesOfAll } from './steady.ts';

const SELF = {
  cpuS: 0,
  elapsedS: 1,
  threadCpuShare: 0,
  utilization: 0,
  threadCpuShareMax: 0,
  utilizationMax: 0,
  loopLagMsP99: 0,
  generatedBytes: 0,
  verifiedBytes: 0,
  niceness: 0,
};

function resultOf(operations: number, inTime: number, elapsedMs: number): OpsResult {
  const tally = {
    operation: 'get' as const,
    operations,
    bytes: operations * 2 ** 20,
    inTime: { operations: inTime, bytes: inTime * 2 ** 20 },
    latencies: new LatencyHistogram().encode(),
    errorsByKind: {},
  };
  const plain = { seconds: [], missed: 0, steady: true, stopped: null, self: SELF, done: [] };
  return { tallies: [tally], elapsedMs, ...plain };
}

describe('operations of several workers', () => {
  test('have the rates of each by its own time, and of what ended in it', () => {
    const results = { one: resultOf(1510, 1500, 15_000), other: resultOf(3000, 3000, 60_000) };
    const run = opsRunOf({ results, lost: {} }, 1);
    assert.deepEqual(
      run.operations.map(({ operations, operationsPerS, mebibytesPerS }) => [
        operations,
        operationsPerS,
        mebibytesPerS,
      ]),
      [[4510, 150, 150]],
    );
  });

  test('are steady when all together are, whatever each is', () => {
    const up = Array.from({ length: 13 }, (_, at) => 100 + 10 * at);
    const down = Array.from({ length: 12 }, (_, at) => 300 - 10 * at);
    const steady = Array.from({ length: 12 }, () => 100);
    assert.equal(isSteady(ratesOfAll([up], 2), 0.05), false);
    assert.equal(isSteady(ratesOfAll([steady], 2), 0.05), true);
    assert.deepEqual(ratesOfAll([up, down], 10), [400, 400]);
    assert.equal(isSteady(ratesOfAll([up, down], 2), 0.05), true);
    assert.equal(isSteady(ratesOfAll([steady, up], 2), 0.05), false);
    assert.deepEqual(ratesOfAll([up, []], 2), []);
  });
});
