/** What a run leaves of its own, and leaves alone of somebody else's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load-harness.ts';
import { PlantedStore } from './planted-store.ts';

const MANY = '--operations get --size 100 --objects 400 --max-operations 3 --concurrency 2';

test('a run that is interrupted while it removes its objects removes them all', async () => {
  await using store = await PlantedStore.start();
  const running = new AbortController();
  store.faults = ({ method, count }) => {
    if (method === 'DELETE' && count === 5) running.abort();
    return undefined;
  };
  const { exitCode, document } = await load(store.endpoint, MANY, { signal: running.signal });
  assert.equal(exitCode, 1);
  assert.equal(document.stopped, 'interrupted');
  assert.equal(store.buckets.size, 0);
});

test('what an interrupted run could not remove is told', async () => {
  await using store = await PlantedStore.start();
  const running = new AbortController();
  store.faults = ({ method, count, name }) => {
    if (method === 'DELETE' && count === 5) running.abort();
    return method === 'DELETE' && name.endsWith('7') ? { status: 403, code: 'AccessDenied' } : undefined;
  };
  const { document } = await load(store.endpoint, MANY, { signal: running.signal });
  assert.match(
    document.stopped ?? '',
    /^interrupted; not all objects could be removed: http-403 AccessDenied/,
  );
  assert.match(document.stopped ?? '', /; bucket \S+ at \S+ is left behind: .*BucketNotEmpty/);
});

test('a bucket that is somebody’s stays, empty as it is, when it could not be seen', async () => {
  await using store = await PlantedStore.start();
  store.buckets.set('somebodys', new Map());
  store.faults = ({ method, name }) => (method === 'HEAD' && name === '' ? { status: 503 } : undefined);
  const { exitCode } = await load(store.endpoint, '--bucket somebodys --operations put --max-operations 3');
  assert.equal(exitCode, 0);
  assert.deepEqual([...store.buckets], [['somebodys', new Map()]]);
});

test('a bucket that was not there is removed again, whoever named it', async () => {
  await using store = await PlantedStore.start();
  const { exitCode } = await load(store.endpoint, '--bucket ours --operations put --max-operations 3');
  assert.equal(exitCode, 0);
  assert.equal(store.buckets.size, 0);
});

test('a run that is interrupted while its bucket is made leaves none', async () => {
  await using store = await PlantedStore.start();
  const running = new AbortController();
  store.faults = ({ method, name }) => {
    if (method !== 'PUT' || name !== '') return undefined;
    store.buckets.set(store.requests.at(-1)?.url.split('/')[1] ?? '', new Map());
    running.abort();
    return { silent: true };
  };
  const { document } = await load(store.endpoint, '--operations put', { signal: running.signal });
  assert.equal(document.stopped, 'interrupted');
  assert.deepEqual([...store.buckets], []);
});
