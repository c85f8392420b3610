import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasCode } from '#common/errors.ts';
import { benchCommand } from '../main.ts';
import { compareTable, ratioText, unlikeness } from './compare-table.ts';
import { describeMachine, type LoadDocument, readDocument, type Row, writeDocument } from './document.ts';
import { loadTable } from './load-table.ts';
import { byCell, median, medianOf } from './median.ts';
import { invalidReasons } from './validity.ts';

const QUIET = { busiestCpuShare: 0.4, busiestUtilization: 0.5, loopLagMsP99: 1 };

function row(changes: Partial<Row>): Row {
  return {
    operation: 'put',
    sizeBytes: 4096,
    concurrency: 8,
    repeat: 1,
    ratePerS: null,
    rangeBytes: null,
    multipartBytes: null,
    operations: 1000,
    bytes: 4_096_000,
    elapsedS: 1,
    operationsPerS: 1000,
    mebibytesPerS: 3.91,
    keysPerS: null,
    latencyMs: { mean: 1, p50: 1, p90: 2, p99: 4, p999: 8, max: 16 },
    errors: 0,
    errorsByKind: {},
    missed: 0,
    scheduleLagMs: null,
    generator: {
      ...QUIET,
      cpuS: 0.05,
      cpuMicrosPerOperation: 50,
      cpuSPerGiB: 13,
      generatingMicrosPerOperation: 1,
      checkingMicrosPerOperation: 0,
      checkedBytes: 0,
      reconnects: 0,
    },
    server: { cpuS: 0.2, cpuMsPerOperation: 0.2, cpuSPerGiB: 52, cpuSByProcess: { proxy: 0.2 } },
    machine: null,
    valid: true,
    invalidReasons: [],
    histogram: '',
    ...changes,
  };
}

function document(rows: Row[], changes: Partial<LoadDocument> = {}): LoadDocument {
  return {
    schema: 'holdfast-bench-load',
    schemaVersion: 1,
    startedAt: '2026-01-01T00:00:00.000Z',
    finishedAt: '2026-01-01T00:01:00.000Z',
    complete: true,
    stopped: null,
    valid: true,
    machine: describeMachine(700),
    settings: {},
    rows,
    ...changes,
  };
}

test('a row is invalid when the generator was the limit, or the content was wrong', () => {
  const reasons = (changes: Partial<Row>, generator: Partial<Row['generator']> = {}): string[] =>
    invalidReasons({ ...row(changes), generator: { ...row({}).generator, ...generator } });
  const wrong = { count: 1, first: '' };
  assert.deepEqual(reasons({}), []);
  assert.deepEqual(reasons({}, { busiestCpuShare: 0.95, busiestUtilization: 0.99 }), ['generator-cpu']);
  assert.deepEqual(reasons({}, { busiestUtilization: 0.98 }), ['generator-starved']);
  assert.deepEqual(reasons({}, { loopLagMsP99: 30 }), ['generator-late']);
  assert.deepEqual(reasons({ errorsByKind: { 'content-mismatch': wrong } }), ['content-failed']);
  assert.deepEqual(reasons({ errorsByKind: { 'http-503 SlowDown': wrong } }), []);
  assert.deepEqual(reasons({ operations: 0 }), ['nothing-measured']);
});

test('a generator that is late by little of a long latency is no reason', () => {
  const slow = { mean: 500, p50: 500, p90: 600, p99: 900, p999: 900, max: 900 };
  const generator = { ...row({}).generator, loopLagMsP99: 30 };
  assert.deepEqual(invalidReasons({ ...row({ latencyMs: slow }), generator }), []);
});

test('repeats of a cell become one line of medians, of the valid rows where there are some', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  const rows = [
    row({ operationsPerS: 900 }),
    row({ operationsPerS: 100, repeat: 2, valid: false, invalidReasons: ['generator-cpu'] }),
    row({ operationsPerS: 1000, repeat: 3 }),
    row({ operation: 'get' }),
  ];
  const cells = byCell(rows);
  assert.equal(cells.length, 2);
  assert.equal(
    medianOf(cells[0]!, (one) => one.operationsPerS),
    950,
  );
  const lines = loadTable(rows).trimEnd().split('\n');
  assert.equal(lines.length, 3);
  assert.match(lines[1] ?? '', /^put +4 KiB +8 +950 .*NOT VALID: generator-cpu, median of 3$/);
});

test('two runs are compared cell by cell, and what only one has is said', () => {
  const a = document([row({}), row({ operation: 'head', bytes: 0, server: null })]);
  const b = document([
    row({ operationsPerS: 1530, errors: 3, latencyMs: { ...row({}).latencyMs, p99: 2 } }),
    row({ operation: 'get' }),
  ]);
  const lines = compareTable(a, b).trimEnd().split('\n');
  assert.match(
    lines[0] ?? '',
    /^operation +size +clients +op\/s +MiB\/s +p50 +p99 +server CPU\/op +CPU\/GiB +notes$/,
  );
  assert.match(
    lines[1] ?? '',
    /^put +4 KiB +8 +×1\.53 +×1\.00 +×1\.00 +×0\.50 +×1\.00 +×1\.00 +3 errors in B$/,
  );
  assert.match(lines[2] ?? '', /^head .*only in A$/);
  assert.match(lines[3] ?? '', /^get .*only in B$/);
  assert.equal(ratioText(0, 1), '-');
});

test('runs that were cut off, or on unlike machines, are said to be', () => {
  const a = document([]);
  const b = document([], {
    complete: false,
    stopped: 'interrupted',
    machine: { ...a.machine, md5MiBPerS: 500 },
  });
  assert.deepEqual(unlikeness(a, b), [
    'B is not complete: interrupted',
    "one core ran at ×0.71 of A's speed when B began (MD5)",
  ]);
  assert.deepEqual(unlikeness(a, a), []);
});

test('the command compares files, and refuses what is none of its own', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  const [a, b, other, newer] = ['a', 'b', 'other', 'newer'].map((name) => join(folder, `${name}.json`)) as [
    string,
    string,
    string,
    string,
  ];
  const run = async (...args: string[]): Promise<[number, string, string]> => {
    let out = '';
    let err = '';
    const exitCode = await benchCommand(args, {
      out: { write: (text) => (out += text) },
      err: { write: (text) => (err += text) },
      env: {},
      signal: new AbortController().signal,
    });
    return [exitCode, out, err];
  };
  try {
    writeDocument(a, document([row({})]));
    writeDocument(b, document([row({ operationsPerS: 500 })]));
    writeFileSync(other, '{"rows":[]}');
    writeFileSync(newer, JSON.stringify({ ...document([]), schemaVersion: 99 }));
    assert.deepEqual(readDocument(a), document([row({})]));
    const [exitCode, out, err] = await run('compare', a, b);
    assert.deepEqual([exitCode, err], [0, '']);
    assert.match(out, /×0\.50/);
    for (const args of [
      [a],
      [a, b, b],
      [a, other],
      [a, newer],
      [a, join(folder, 'absent')],
      ['--fast', a, b],
    ]) {
      const [code, , said] = await run('compare', ...args);
      assert.equal(code, 2);
      assert.match(said, /^holdfast bench compare: [^\n]+\n$/);
    }
    assert.equal((await run('bogus'))[0], 2);
    assert.match((await run('load', '--help'))[1], /^Usage: holdfast bench load/);
    assert.throws(
      () => writeDocument(join(folder, 'no', 'folder.json'), document([])),
      (error) => hasCode(error, 'invalid-argument'),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
