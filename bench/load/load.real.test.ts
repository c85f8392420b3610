import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeFromCompressedBase64 } from 'hdr-histogram-js';
import { readDocument, type Row } from '../report/document.ts';
import { CREDENTIALS, load, reasonsOfServer, TemporaryFolder } from './load-harness.ts';
import { PlantedStore } from './planted-store.ts';

test('every operation is counted as the server counted it, and nothing is left behind', async () => {
  await using store = await PlantedStore.start();
  const { exitCode, document, row, out, err } = await load(
    store.endpoint,
    '--size 5000 --concurrency 3 --processes 2 --max-operations 60 --objects 30 --duration 60s',
  );
  assert.equal(err, '');
  assert.equal(exitCode, 0);
  assert.deepEqual(
    document.rows.map((one) => [one.operation, one.operations, one.bytes, one.errors]),
    [
      ['put', 60, 300_000, 0],
      ['get', 60, 300_000, 0],
      ['head', 60, 0, 0],
      ['list', 60, 0, 0],
      ['delete', 60, 0, 0],
    ],
  );
  assert.equal(store.counts.get('PUT'), 60);
  assert.equal(store.counts.get('GET'), 60);
  assert.equal(store.counts.get('HEAD'), 60);
  assert.equal(store.counts.get('BUCKET GET'), 60);
  assert.equal(store.counts.get('DELETE'), 60);
  assert.equal(store.buckets.size, 0);
  assert.equal(row('get').generator.checkedBytes, 300_000);
  assert.ok((row('list').keysPerS ?? 0) > 0);
  assert.equal(document.complete, true);
  assert.equal(decodeFromCompressedBase64(row('put').histogram).totalCount, 60);
  assert.match(out, /^operation +size +clients/);
});

test('a bucket that was there stays, with what was in it', async () => {
  await using store = await PlantedStore.start();
  store.buckets.set('somebodys', new Map([['treasure', Buffer.from('gold')]]));
  const { exitCode } = await load(
    store.endpoint,
    '--bucket somebodys --operations put,get,list --max-operations 9 --objects 20',
  );
  assert.equal(exitCode, 0);
  assert.deepEqual([...(store.buckets.get('somebodys') ?? [])], [['treasure', Buffer.from('gold')]]);
});

test('a planted delay shows in exactly the percentiles that it reaches', async () => {
  await using store = await PlantedStore.start();
  const delayMs = 70;
  store.faults = ({ method, count }) => (method === 'HEAD' && count % 5 === 0 ? { delayMs } : undefined);
  const { row } = await load(
    store.endpoint,
    '--operations head --objects 4 --max-operations 100 --concurrency 4',
  );
  const { latencyMs, histogram } = row('head');
  const latencies = decodeFromCompressedBase64(histogram);
  assert.equal(latencies.totalCount, 100);
  // The server's timer may be a millisecond early.
  for (const figure of [latencyMs.p90, latencyMs.p99, latencyMs.p999, latencyMs.max])
    assert.ok(figure >= delayMs - 1, `${figure} ms`);
  assert.ok(latencyMs.max >= latencyMs.p999 && latencyMs.p999 >= latencyMs.p50);
});

test('an open loop charges a stall to every start that it held up', async () => {
  await using store = await PlantedStore.start();
  store.faults = ({ method, count }) => (method === 'HEAD' && count === 20 ? { delayMs: 400 } : undefined);
  const options = '--operations head --objects 4 --max-operations 120 --concurrency 1 --duration 20s';
  const slowPercent = (row: Row): number => {
    assert.ok(row.latencyMs.max >= 399);
    let count = 0;
    const latencies = decodeFromCompressedBase64(row.histogram);
    for (let percentile = 0; percentile < 100; percentile++)
      if (latencies.getValueAtPercentile(percentile) >= 100_000) count++;
    return count;
  };
  const open = await load(store.endpoint, `${options} --rate 200`);
  // 400 ms at 200 starts a second: 80 starts came due, three quarters of them 100 ms or more before its end.
  assert.ok(slowPercent(open.row('head')) >= 45, `${slowPercent(open.row('head'))} of 100`);
  assert.notEqual(open.row('head').scheduleLagMs, null);
});

test('starts that no connection was ever free for are missed, and count with what they had waited', async () => {
  await using store = await PlantedStore.start();
  store.faults = ({ method, count }) => (method === 'HEAD' && count === 5 ? { delayMs: 900 } : undefined);
  const { row } = await load(
    store.endpoint,
    '--operations head --objects 4 --concurrency 1 --duration 500ms --rate 100',
  );
  const head = row('head');
  assert.equal(head.operations + head.missed, 50);
  assert.ok(head.missed >= 30, `${head.missed} missed`);
  assert.equal(decodeFromCompressedBase64(head.histogram).totalCount, 50);
});

test('ranges and parts of large objects hold what the whole does', async () => {
  await using store = await PlantedStore.start();
  const { exitCode, row } = await load(
    store.endpoint,
    '--operations put,get --size 200000 --range 70001 --multipart 64k --signed-payload --check-reads 1 --max-operations 8 --objects 8',
  );
  assert.equal(exitCode, 0);
  assert.equal(row('put').operations, 8);
  assert.equal(row('put').multipartBytes, 65536);
  assert.equal(row('get').bytes, 8 * 70_001);
  assert.equal(row('get').generator.checkedBytes, 8 * 70_001);
  // Whole reads of the same kind of object: all four parts are in their places.
  const whole = await load(
    store.endpoint,
    '--operations put,get --size 200000 --multipart 64k --check-reads 1 --max-operations 5 --objects 5',
  );
  assert.equal(whole.exitCode, 0);
});

test('a plain server of PUT and GET is loaded without signatures, and its folder removed', async () => {
  await using store = await PlantedStore.start();
  store.plain = true;
  const { exitCode, document } = await load(
    store.endpoint,
    '--protocol http --max-operations 15 --objects 9 --processes 2',
  );
  assert.equal(exitCode, 0);
  assert.deepEqual(
    document.rows.map((row) => [row.operation, row.operations, row.errors]),
    ['put', 'get', 'head', 'delete'].map((operation) => [operation, 15, 0]),
  );
  assert.equal(store.buckets.size, 0);
});

test('rounds measure every cell anew, and the table shows their medians', async () => {
  await using store = await PlantedStore.start();
  const { document, out } = await load(
    store.endpoint,
    '--operations put,head --size 1k,2k --concurrency 1,2 --repeat 3 --max-operations 5 --objects 5',
  );
  assert.equal(document.rows.length, 24);
  assert.deepEqual(
    document.rows
      .slice(0, 8)
      .map((row) => `${row.operation} ${row.sizeBytes} ${row.concurrency} ${row.repeat}`),
    [
      'put 1024 1 1',
      'head 1024 1 1',
      'put 1024 2 1',
      'head 1024 2 1',
      'put 2048 1 1',
      'head 2048 1 1',
      'put 2048 2 1',
      'head 2048 2 1',
    ],
  );
  assert.equal(out.trimEnd().split('\n').length, 9);
  assert.match(out, /median of 3/);
});

test('what the warm-up did is not in the figures', async () => {
  await using store = await PlantedStore.start();
  const { row } = await load(
    store.endpoint,
    '--operations head --objects 3 --max-operations 25 --warmup 150ms --concurrency 2',
  );
  assert.equal(row('head').operations + row('head').errors, 25);
  assert.ok((store.counts.get('HEAD') ?? 0) > 25);
});

test('on a terminal one line lives while the load runs, and is gone at the end', async () => {
  await using store = await PlantedStore.start();
  const { err } = await load(store.endpoint, '--operations put --duration 900ms', { isTTY: true });
  assert.match(err, /put 4 KiB × 8: [\d.,]+ op\/s, p99 [\d.]+ ms, 0 errors, \d+ s left/);
  assert.ok(err.endsWith('\r\u001b[K'));
  assert.ok(!err.includes('\n'));
});

test('an interrupted run keeps its figures and removes its bucket', async () => {
  await using store = await PlantedStore.start();
  using folder = new TemporaryFolder();
  const json = join(folder.path, 'result.json');
  const program = join(folder.path, 'program.mjs');
  writeFileSync(
    program,
    `import { benchLoadCommand } from ${JSON.stringify(new URL('./main.ts', import.meta.url).href)};
    const stop = new AbortController();
    process.on('SIGINT', () => stop.abort());
    const io = { out: process.stdout, err: process.stderr, env: process.env, signal: stop.signal };
    process.exitCode = await benchLoadCommand(process.argv.slice(2), io);
`,
  );
  const child = spawn(
    process.execPath,
    [program, '--endpoint', store.endpoint, '--warmup', '0', '--json', json],
    { env: { ...process.env, ...CREDENTIALS }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let err = '';
  child.stderr.on('data', (text: Buffer) => {
    err += text.toString();
  });
  const exit = once(child, 'exit');
  while ((store.counts.get('PUT') ?? 0) < 50 && child.exitCode === null)
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  assert.equal(store.buckets.size, 1);
  child.kill('SIGINT');
  const [exitCode] = (await exit) as [number | null];
  assert.equal(exitCode, 1);
  assert.equal(err, 'holdfast bench load: interrupted\n');
  const document = readDocument(json);
  assert.equal(document.stopped, 'interrupted');
  assert.deepEqual(reasonsOfServer(document.rows[0]), ['interrupted']);
  assert.equal(document.rows[0]?.operations, store.counts.get('PUT'));
  assert.equal(store.buckets.size, 0);
  assert.ok(!existsSync(`${json}.${child.pid}.tmp`));
});
