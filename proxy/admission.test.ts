/** More requests than a process takes at once: the others are told so early, in their door's own form, and lose nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exchange, headOf } from './s3/raw-requests.fixture.ts';
import { openTestBed } from './s3/s3-test-bed.ts';

test('a request too many is answered 503 before its body is read, and there is room again when one is over', async () => {
  await using bed = await openTestBed({ limits: { requestsMax: 3 } });
  await bed.send({ method: 'PUT', path: '/box' });
  const unsigned = { 'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD' };
  const finishers: (() => void)[] = [];
  const accepted = [1, 2, 3].map((number) => {
    const sent = { method: 'PUT', path: `/box/slow-${number}`, headers: unsigned };
    const head = headOf(bed, sent, { 'Content-Length': 5, Connection: 'close' });
    return exchange(bed, (socket) => {
      socket.write(`${head}12`);
      finishers.push(() => socket.write('345'));
    });
  });
  let refused = await bed.send({ method: 'GET', path: '/box' });
  while (refused.status !== 503) refused = await bed.send({ method: 'GET', path: '/box' });
  assert.match(refused.text, /<Code>SlowDown<\/Code>/);
  assert.equal(refused.headers['retry-after'], '1');

  const huge = { method: 'PUT', path: '/box/huge', headers: unsigned };
  const head = headOf(bed, huge, { 'Content-Length': 2 ** 31, Expect: '100-continue' });
  const unread = await exchange(bed, (socket) => socket.write(head));
  assert.match(unread, /^HTTP\/1\.1 503 .*Retry-After: 1.*<Code>SlowDown<\/Code>/is);
  const swift = await exchange(bed, (socket) =>
    socket.write('GET /v1/AUTH_x/box HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'),
  );
  assert.match(swift, /^HTTP\/1\.1 503 .*Retry-After: 1/is);

  // One without a body keeps its connection, also when it is refused: to connect anew would cost both more than the answer did.
  const get = { method: 'GET', path: '/box' };
  const three = await exchange(bed, (socket) =>
    socket.write(headOf(bed, get) + headOf(bed, get) + headOf(bed, get, { Connection: 'close' })),
  );
  assert.equal(three.match(/HTTP\/1\.1 503 /g)?.length, 3, three);

  for (const finish of finishers) finish();
  for (const answer of await Promise.all(accepted)) assert.match(answer, /^HTTP\/1\.1 200 /);
  for (const number of [1, 2, 3])
    assert.equal((await bed.send({ method: 'GET', path: `/box/slow-${number}` })).text, '12345');
  assert.equal((await bed.send({ method: 'GET', path: '/box/huge' })).status, 404);
  assert.deepEqual(bed.complaints, []);
});
