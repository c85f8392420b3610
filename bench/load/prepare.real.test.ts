/** A run that is told to end while it has not yet begun. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { load } from './load-harness.ts';

for (const [scheme, what] of [
  ['http', 'that never answers'],
  ['https', 'that never speaks TLS'],
] as const)
  test(`a run that waits for a server ${what} ends when it is interrupted`, async () => {
    const running = new AbortController();
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('data', () => running.abort());
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    try {
      const { port } = server.address() as AddressInfo;
      const endpoint = `${scheme}://127.0.0.1:${port}`;
      const { exitCode, document } = await load(endpoint, '--timeout 24h', { signal: running.signal });
      assert.equal(exitCode, 1);
      assert.equal(document.stopped, 'interrupted');
      assert.deepEqual(document.rows, []);
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  });
