/** Heads, bodies and readers that come a byte at a time, or not at all: given up in time, and at a bounded cost. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { exchange, headOf } from './s3/raw-requests.fixture.ts';
import { retainedBytes } from './s3/retained-memory.fixture.ts';
import { openTestBed, type TestBed } from './s3/s3-test-bed.ts';

async function stillServes(bed: TestBed): Promise<void> {
  const body = randomBytes(300_000);
  assert.equal((await bed.send({ method: 'PUT', path: '/box/next', body })).status, 200);
  assert.ok((await bed.send({ method: 'GET', path: '/box/next' })).body.equals(body));
  assert.deepEqual(bed.complaints, []);
}

/** Writes `text`, then `drop` again and again until the other side ends it. */
function dribble(socket: Socket, text: string, drop: string): void {
  socket.write(text);
  const timer = setInterval(() => socket.write(drop), 20);
  socket.on('close', () => clearInterval(timer));
  socket.on('end', () => clearInterval(timer));
}

/** What servers of this process accept from here on, and from which port. */
function acceptedSockets() {
  const sockets: { readonly socket: Socket; readonly port: number | undefined }[] = [];
  const take = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    sockets.push({ socket, port: socket.remotePort });
  };
  subscribe('net.server.socket', take);
  return { sockets, [Symbol.dispose]: () => unsubscribe('net.server.socket', take) };
}

test('heads that come a byte at a time are given up, however many', async () => {
  await using bed = await openTestBed({ limits: { headersMs: 400 } });
  await bed.send({ method: 'PUT', path: '/box' });
  const slow = Array.from({ length: 100 }, () =>
    exchange(bed, (socket) => dribble(socket, 'GET /box HTTP/1.1\r\nHost: x\r\nX: ', 'x')),
  );
  const silent = Array.from({ length: 100 }, () => exchange(bed, () => {}));
  await stillServes(bed);
  for (const answer of await Promise.all([...slow, ...silent])) {
    assert.match(answer, /^HTTP\/1\.1 400 .*<Code>RequestTimeout<\/Code>/s);
  }
  await stillServes(bed);
});

test('bodies that stall or dribble are given up, and nothing is stored of them', async () => {
  await using bed = await openTestBed({ bodyLimits: { stallMs: 3000 } });
  await bed.send({ method: 'PUT', path: '/box' });
  const headers = { 'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD' };
  const answers: Promise<string>[] = [];
  for (let index = 0; index < 60; index += 1) {
    const announced = { 'Content-Length': index % 2 === 0 ? 50_000 : 2 ** 31, Connection: 'close' };
    const head = headOf(bed, { method: 'PUT', path: `/box/slow-${index}`, headers }, announced);
    const begun = head + 'x'.repeat(index % 3 === 0 ? 0 : 40_000);
    answers.push(exchange(bed, (socket) => dribble(socket, begun, index % 5 === 0 ? 'x' : '')));
  }
  await stillServes(bed);
  for (const answer of await Promise.all(answers)) {
    assert.match(answer, /^HTTP\/1\.1 400 .*<Code>RequestTimeout<\/Code>/s);
  }
  assert.equal((await bed.send({ method: 'GET', path: '/box?prefix=slow' })).text.includes('<Key>'), false);
  await stillServes(bed);
});

test('readers that do not read are given up, and hold little meanwhile', async () => {
  // What is idle between requests stays: the own client would meet connections that are just being closed.
  await using bed = await openTestBed({ limits: { idleMs: 5000 } });
  await bed.send({ method: 'PUT', path: '/box' });
  await bed.send({ method: 'PUT', path: '/box/film', body: randomBytes(40 << 20) });
  const head = headOf(bed, { method: 'GET', path: '/box/film' });
  const before = await retainedBytes();
  using accepted = acceptedSockets();
  const readers = Array.from({ length: 12 }, () => connect(bed.port, '127.0.0.1'));
  const received = readers.map((socket) => {
    socket.on('error', () => {});
    socket.write(head);
    let bytes = 0;
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    socket.pause();
    // A reset is an end, too.
    return new Promise<number>((resolve) => socket.on('close', () => resolve(bytes)));
  });
  await Promise.all(readers.map((socket) => once(socket, 'connect')));
  const ports = new Set(readers.map(({ localPort }) => localPort));
  await setTimeout(200);
  await stillServes(bed);
  const now = await retainedBytes();
  const grown = now.buffers + now.heap - before.buffers - before.heap;
  assert.ok(grown < 64 << 20, `${grown} bytes for 12 readers of 40 MiB each`);
  // What the system holds is read only after the server has given up.
  const served = () => accepted.sockets.filter(({ port }) => ports.has(port));
  while (served().length < readers.length || served().some(({ socket }) => !socket.closed))
    await setTimeout(20);
  for (const socket of readers) socket.resume();
  for (const bytes of await Promise.all(received)) assert.ok(bytes < 40 << 20, `${bytes} bytes`);
  await stillServes(bed);
});
