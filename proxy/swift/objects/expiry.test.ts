/** Over HTTP: whatever way an object is given a time to go at, listings and counters forget it when that is over. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '#common/io/clock.ts';
import { nothingExpired } from '#proxy/sweep/expire-objects.ts';
import { expiryWork } from '#proxy/sweep/expiry.ts';
import { Pace } from '#proxy/sweep/pace.ts';
import { openTestBed } from '../swift-test-bed.ts';

const HOUR_MS = 3_600_000;

test('objects of PUT, POST, COPY and a manifest are gone from the listing when their time is over', async () => {
  await using bed = await openTestBed();
  const inTen = { 'X-Delete-After': '600' };
  const put = (path: string, headers = {}, body = 'text') =>
    bed.status({ method: 'PUT', path, headers, body });
  await bed.send({ method: 'PUT', path: 'box' });
  assert.equal(await put('box/put', inTen), 201);
  assert.equal(await put('box/posted'), 201);
  assert.equal(await bed.status({ method: 'POST', path: 'box/posted', headers: inTen }), 202);
  assert.equal(await put('box/kept'), 201);
  assert.equal(await put('box/reprieved', inTen), 201);
  assert.equal(await bed.status({ method: 'POST', path: 'box/reprieved' }), 202);
  const copy = { Destination: 'box/copied', ...inTen };
  assert.equal(await bed.status({ method: 'COPY', path: 'box/kept', headers: copy }), 201);
  const manifest = JSON.stringify([{ path: '/box/kept' }]);
  assert.equal(await put('box/manifest?multipart-manifest=put', inTen, manifest), 201);

  const { cluster, directory, clock } = bed.context;
  const later: Clock = {
    nowMs: () => clock.nowMs() + HOUR_MS,
    monotonicMs: () => clock.monotonicMs(),
    after: (delayMs, then) => clock.after(delayMs, then),
  };
  const figures = nothingExpired();
  await expiryWork({ cluster, directory, clock: later }).run(figures, new Pace(clock));
  assert.deepEqual(figures, { due: 5, expiredObjects: 4, staleEntries: 1, failures: 0 });
  assert.equal((await bed.send({ path: 'box' })).text, 'kept\nreprieved\n');
  const head = await bed.send({ method: 'HEAD', path: 'box' });
  assert.equal(head.headers['x-container-object-count'], '2');
  assert.deepEqual(bed.complaints, []);
});
