/** Bodies over a real connection, into a real file and a real socket. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { Agent, type IncomingMessage, createServer, request } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { hasCode } from '#common/errors.ts';
import { openContext } from './body-test-bed.ts';
import { openRequestBody } from './open-request-body.ts';
import type { RequestBody } from './request-body.ts';

const context = openContext();
after(() => context[Symbol.asyncDispose]());
const PORT = 21_210;

interface Served {
  readonly port: number;
  [Symbol.asyncDispose](): Promise<void>;
}

async function serve(
  handle: (body: RequestBody, incoming: IncomingMessage) => Promise<string>,
): Promise<Served> {
  const server = createServer((incoming, response) => {
    const body = openRequestBody(
      incoming,
      { headers: incoming.headers, payload: { kind: 'unsigned' } },
      context,
    );
    handle(body, incoming).then(
      (text) => response.end(text),
      () => response.destroy(),
    );
  });
  server.listen(PORT, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: PORT,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function put(port: number, bytes: Buffer): Promise<string> {
  const outgoing = request({ agent: false, port, host: '127.0.0.1', method: 'PUT', path: '/' });
  outgoing.end(bytes);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  let text = '';
  for await (const part of response) text += String(part);
  return text;
}

test('a body goes from the socket into a file, from shared memory', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-body-'));
  const path = join(folder, 'body');
  const bytes = randomBytes(5_000_000);
  await using served = await serve(async (body) => {
    const file = await open(path, 'w');
    const digests = await body.drain(async (chunk) => void (await file.writev([chunk])));
    await file.close();
    return digests.md5Hex;
  });
  assert.match(await put(served.port, bytes), /^[0-9a-f]{32}$/);
  assert.ok(readFileSync(path).equals(bytes));
  rmSync(folder, { recursive: true });
  assert.equal(context.buffers.lent, 0);
});

test('a body goes from one socket into another', async () => {
  const bytes = randomBytes(3_000_000);
  const received: Buffer[] = [];
  await using served = await serve(async (body) => {
    const outgoing = connect(PORT + 1, '127.0.0.1');
    const digests = await body.drain(
      (chunk) => new Promise((resolve, reject) => outgoing.write(chunk, (e) => (e ? reject(e) : resolve()))),
    );
    outgoing.end();
    await once(outgoing, 'close');
    return digests.md5Hex;
  });
  const target = createTcpServer((socket) => {
    socket.on('data', (chunk: Buffer) => received.push(chunk));
  }).listen(PORT + 1, '127.0.0.1');
  await once(target, 'listening');
  await put(served.port, bytes);
  assert.ok(Buffer.concat(received).equals(bytes));
  target.close();
  assert.equal(context.buffers.lent, 0);
});

test('a client that breaks off leaves nothing behind', async () => {
  let ended: (error: unknown) => void = () => assert.fail();
  const outcome = new Promise((resolve) => {
    ended = resolve;
  });
  await using served = await serve(async (body) => {
    ended(await body.drain(async () => undefined).catch((error: unknown) => error));
    return '';
  });
  const socket = connect(served.port, '127.0.0.1');
  socket.write(`PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n${'x'.repeat(1_000_000)}`);
  while (context.buffers.lent === 0) await new Promise((resolve) => setImmediate(resolve));
  socket.destroy();
  assert.ok(hasCode(await outcome, 'aborted'));
  assert.equal(context.buffers.lent, 0);
  assert.equal(context.digests.streams, 0);
  assert.equal(context.clock.pendingTimers, 0);
});

test('after a refusal the rest is discarded, and the connection serves the next request', async () => {
  let connections = 0;
  await using served = await serve(async (body, incoming) => {
    if (incoming.socket.listenerCount('seen') === 0) {
      connections += 1;
      incoming.socket.on('seen', () => undefined);
    }
    await assert.rejects(body.drain(() => Promise.reject(new Error('no'))));
    return String(await body.discard(2 ** 24));
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let round = 0; round < 2; round++) {
    const outgoing = request({ agent, port: served.port, host: '127.0.0.1', method: 'PUT', path: '/' });
    outgoing.end(Buffer.alloc(4_000_000));
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    for await (const part of response) assert.equal(String(part), 'true');
  }
  agent.destroy();
  assert.equal(connections, 1);
});
