/** A reader that goes away while it is sent a body: whoever sends is told, at every moment. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { hasCode } from '#common/errors.ts';
import { streamResponse } from './response-body.ts';

/** More than the system's buffers of a connection hold. */
const CHUNK = Buffer.alloc(16 * 2 ** 20);

interface Sending {
  readonly client: Socket;
  readonly response: ServerResponse;
}

async function sending(run: (sending: Sending) => Promise<void>): Promise<void> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  const [, response] = (await once(server, 'request')) as [unknown, ServerResponse];
  await run({ client, response });
  client.destroy();
  server.close();
  await once(server, 'close');
}

const isAborted = (error: unknown) => hasCode(error, 'aborted');

test('in the middle of a chunk', async () => {
  await sending(async ({ client, response }) => {
    const sent = streamResponse(response, (sink) => sink(CHUNK));
    client.destroy();
    await assert.rejects(sent, isAborted);
  });
});

test('between two chunks, before the response knows', async () => {
  await sending(async ({ response }) => {
    const sent = streamResponse(response, async (sink) => {
      await sink(Buffer.from('head'));
      response.socket?.destroy();
      assert.equal(response.destroyed, false);
      await sink(Buffer.from('tail'));
    });
    await assert.rejects(sent, isAborted);
  });
});

test('before the first, and when the response has been closed', async () => {
  await sending(async ({ client, response }) => {
    client.destroy();
    await once(response, 'close');
    await assert.rejects(
      streamResponse(response, () => Promise.reject(new Error('nothing is to be sent'))),
      isAborted,
    );
  });
});

test('while what was written waits behind an answer that is not out', async () => {
  await sending(async ({ client, response }) => {
    client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    const server = (response.socket as Socket & { server: Server }).server;
    const [, behind] = (await once(server, 'request')) as [unknown, ServerResponse];
    assert.equal(behind.socket, null);
    await assert.rejects(
      streamResponse(behind, (sink) => sink(CHUNK)),
      isAborted,
    );
  });
});
