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
