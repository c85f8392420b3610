import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load, reasonsOfServer } from './load-harness.ts';
import { PlantedStore } from './planted-store.ts';

test('planted refusals, breaks and silence are counted by kind, and none is tried again', async () => {
  await using store = await PlantedStore.start();
  store.faults = ({ method, count }) => {
    if (method !== 'GET') return undefined;
    if (count % 10 === 3) return { status: 503, code: 'SlowDown' };
    if (count % 10 === 6) return { close: true };
    return count === 50 ? { silent: true } : undefined;
  };
  const { exitCode, row } = await load(
    store.endpoint,
    '--operations get --objects 10 --max-operations 100 --concurrency 2 --duration 120s --timeout 20s',
  );
  const get = row('get');
  assert.equal(exitCode, 1);
  assert.equal(store.counts.get('GET'), 100);
  assert.equal(get.operations, 79);
  assert.equal(get.errors, 21);
  assert.deepEqual(
    Object.fromEntries(Object.entries(get.errorsByKind).map(([kind, { count }]) => [kind, count])),
    {
      'http-503 SlowDown': 10,
      'connection-closed': 10,
      timeout: 1,
    },
  );
  assert.equal(get.errorsByKind['http-503 SlowDown']?.first, 'http-503 SlowDown: planted & meant');
  assert.ok(get.generator.reconnects >= 10);
});

for (const [title, corrupt, kind] of [
  ['a changed byte', (body: Buffer) => body.fill(body[99]! ^ 1, 99, 100), 'content-mismatch'],
  ['a body cut short', (body: Buffer) => body.subarray(0, -1), 'length-mismatch'],
] as const)
  test(`${title} in one read of many makes the row invalid`, async () => {
    await using store = await PlantedStore.start();
    store.faults = ({ method, count }) => (method === 'GET' && count === 17 ? { corrupt } : undefined);
    const { exitCode, row, out, document } = await load(
      store.endpoint,
      '--operations get --size 100 --objects 5 --max-operations 40',
    );
    assert.equal(exitCode, 1);
    assert.equal(row('get').errorsByKind[kind]?.count, 1);
    assert.deepEqual(reasonsOfServer(row('get')), ['content-failed']);
    assert.equal(document.valid, false);
    assert.match(out, /NOT VALID: content-failed/);
  });

test('an ETag that is not the MD5 sum is found', async () => {
  await using store = await PlantedStore.start();
  store.faults = ({ method, count }) =>
    method === 'PUT' && count === 3 ? { etag: `"${'0'.repeat(32)}"` } : undefined;
  const { row } = await load(store.endpoint, '--operations put --max-operations 12');
  assert.equal(row('put').errorsByKind['etag-mismatch']?.count, 1);
  assert.equal(row('put').operations, 11);
});

test('a listing that lacks a name is found at the end of its walk', async () => {
  await using store = await PlantedStore.start();
  store.faults = ({ method, name, count }) =>
    method === 'GET' && name === '' && count === 2
      ? { corrupt: (text) => Buffer.from(text.toString().replace(/<Contents>.*?<\/Contents>/, '')) }
      : undefined;
  // Two pages a walk: the second walk begins with the page that lacks a name, and its end finds it out.
  const { row } = await load(
    store.endpoint,
    '--operations list --concurrency 1 --max-operations 12 --objects 12',
  );
  assert.equal(row('list').errorsByKind['listing-mismatch']?.count, 1);
  assert.equal(row('list').operations, 11);
});

test('a full server ends the run with one line, and keeps what was measured', async () => {
  await using store = await PlantedStore.start();
  store.faults = ({ method, name, count }) =>
    method === 'PUT' && name !== '' && count >= 40 ? { status: 507, code: 'InsufficientStorage' } : undefined;
  const { exitCode, err, document, row } = await load(store.endpoint, '--duration 60s --concurrency 8');
  assert.equal(exitCode, 1);
  assert.equal(
    err,
    'holdfast bench load: put: nothing but failures: http-507 InsufficientStorage: planted & meant\n',
  );
  assert.equal(row('put').operations, 40);
  assert.ok(row('put').errors >= 100);
  assert.equal(document.complete, false);
  assert.equal(document.rows.length, 1);
  assert.equal(store.buckets.size, 0);
});

test('wrong credentials, and a server that is not there, end the run with one line', async () => {
  await using store = await PlantedStore.start();
  const refused = await load(store.endpoint, '--bucket abc', { accessKeyId: 'nobody' });
  assert.equal(refused.exitCode, 1);
  assert.match(refused.err, /^holdfast bench load: cannot use bucket abc at .*InvalidAccessKeyId.*\n$/);
  // Where nothing listens: a port that was only just given back may be somebody else's by now.
  const absent = await load('http://127.0.0.1:9', '--bucket abc');
  assert.equal(absent.exitCode, 1);
  assert.match(absent.err, /^holdfast bench load: cannot use bucket abc at .*ECONNREFUSED.*\n$/);
  assert.equal(absent.document.complete, false);
  assert.match(absent.document.stopped ?? '', /ECONNREFUSED/);
});
