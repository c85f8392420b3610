/** Requests sent without waiting for answers, by readers that are slow or go away: over the front door, on real sockets. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { realClock } from '#common/io/real-clock.ts';
import { headOf } from './s3/raw-requests.fixture.ts';
import { openTestBed, type TestBed } from './s3/s3-test-bed.ts';
import { Traffic } from './traffic/traffic.ts';

const SENT_AHEAD = 400;

/** A server, how many requests it has begun, and how many of them are not over. */
interface Watched extends AsyncDisposable {
  readonly bed: TestBed;
  readonly begun: () => number;
  readonly open: () => number;
}

async function watched(limits: { requestsMax: number }): Promise<Watched> {
  let finished = 0;
  const listener = { transferred: () => {}, finished: () => void (finished += 1) };
  const traffic = new Traffic(realClock(), [listener]);
  const bed = await openTestBed({ traffic, limits });
  return {
    bed,
    begun: () => finished + traffic.openRequests,
    open: () => traffic.openRequests,
    [Symbol.asyncDispose]: () => bed[Symbol.asyncDispose](),
  };
}

/** Sends so many copies of a request at once, on a connection that reads nothing yet. */
async function sendAhead(bed: TestBed, path: string, count: number): Promise<Socket> {
  const socket = connect(bed.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.pause();
  socket.write(headOf(bed, { method: 'GET', path }).repeat(count));
  return socket;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await setTimeout(5);
}

/** Until it has not changed for a while. */
async function settled(count: () => number): Promise<number> {
  for (let before = -1; ; ) {
    const now = count();
    if (now === before) return now;
    before = now;
    await setTimeout(300);
  }
}

async function fillBox(bed: TestBed): Promise<void> {
  await bed.send({ method: 'PUT', path: '/box' });
  for (let index = 100; index < 300; index += 1)
    await bed.send({ method: 'PUT', path: `/box/${index}${'k'.repeat(1000)}`, body: 'x' });
}

test('listings that are sent ahead are made as their reader takes them, and in turn', async () => {
  await using server = await watched({ requestsMax: 4000 });
  const { bed } = server;
  await fillBox(bed);
  const before = server.begun();
  const socket = await sendAhead(bed, '/box?list-type=2', SENT_AHEAD);
  await until(() => server.begun() > before);
  const made = (await settled(server.begun)) - before;
  // Some megabytes lie in the system's own buffers.
  assert.ok(made < SENT_AHEAD / 4, `${made} of ${SENT_AHEAD} were made for nobody`);

  let text = '';
  socket.setEncoding('latin1').on('data', (data: string) => (text += data));
  socket.resume();
  const answers = () => text.split('</ListBucketResult>').length - 1;
  await until(() => text.length > SENT_AHEAD * 200_000 && answers() === SENT_AHEAD);
  assert.equal(text.split('HTTP/1.1 200 OK').length - 1, SENT_AHEAD);
  socket.destroy();
});

test('what was sent ahead is forgotten with its connection, and keeps no place', async () => {
  await using server = await watched({ requestsMax: 2 });
  const { bed } = server;
  await fillBox(bed);
  await bed.send({ method: 'PUT', path: '/box/large', body: Buffer.alloc(16 * 2 ** 20, 'x') });
  const readers: Socket[] = [];
  for (const path of ['/box/large', '/box?list-type=2']) readers.push(await sendAhead(bed, path, 40));
  await until(() => server.open() >= readers.length);
  await settled(server.begun);
  assert.equal((await bed.send({ method: 'HEAD', path: '/box/large' })).status, 503);
  for (const reader of readers) reader.destroy();
  await until(() => server.open() === 0);
  assert.equal((await bed.send({ method: 'HEAD', path: '/box/large' })).status, 200);
  assert.deepEqual(bed.complaints, []);
});

test('thousands of small requests sent ahead are answered, each in its turn', async () => {
  await using server = await watched({ requestsMax: 4000 });
  const { bed } = server;
  await bed.send({ method: 'PUT', path: '/box' });
  const socket = connect(bed.port, '127.0.0.1');
  const count = 5000;
  const request = (index: number) =>
    `HEAD /box/${index} HTTP/1.1\r\nHost: x\r\nOrigin: http://${index}.test\r\n\r\n`;
  let text = '';
  socket.setEncoding('latin1').on('data', (data: string) => (text += data));
  socket.write(Array.from({ length: count }, (_, index) => request(index)).join(''));
  await until(() => text.split('HTTP/1.1 403').length - 1 === count);
  socket.destroy();
});
