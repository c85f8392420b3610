import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import { generationBuffer } from './content.ts';
import { HttpConnection, type OutgoingBody } from './http-client.ts';
import { OperationFailure } from './operation-failure.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const REQUEST = { head: 'GET / HTTP/1.1\r\nHost: h\r\n\r\n' };

/** A server that leaves every byte to `onSocket`. */
class RawServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(onSocket: (socket: Socket, number: number) => void) {
    let number = 0;
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      onSocket(socket, number++);
    });
  }

  static async start(onSocket: (socket: Socket, number: number) => void): Promise<RawServer> {
    const server = new RawServer(onSocket);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  connection(sizeBytesMax = 1024, timeoutMs = 10_000, secure = false): HttpConnection {
    const { port } = this.#server.address() as AddressInfo;
    return new HttpConnection({ secure, host: '127.0.0.1', port }, timeoutMs, sizeBytesMax);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

function kindOf(kind: string): (error: unknown) => boolean {
  return (error) => error instanceof OperationFailure && error.kind === kind;
}

/** Byte n of the body is n modulo 251, so that a piece out of order shows. */
function countingBody(lengthBytes: number): OutgoingBody {
  return {
    lengthBytes,
    fill(into, intoWord, position, length) {
      const bytes = Buffer.from(into.buffer, into.byteOffset + intoWord * 4, length);
      for (let at = 0; at < length; at++) bytes[at] = (position + at) % 251;
    },
  };
}

test('many requests use one connection, one after the other', async () => {
  await using server = await RawServer.start((socket) => socket.on('data', () => socket.write(OK)));
  const connection = server.connection();
  for (let turn = 0; turn < 20; turn++) assert.equal((await connection.exchange(REQUEST)).status, 200);
  assert.equal(connection.opened, 1);
  connection.destroy();
});

for (const lengthBytes of [0, 1, 4096, 64 * 1024, 64 * 1024 + 1, 3 * 2 ** 20 + 5])
  test(`a body of ${lengthBytes} bytes arrives as it was generated`, async () => {
    const head = `PUT / HTTP/1.1\r\nContent-Length: ${lengthBytes}\r\n\r\n`;
    let received = Buffer.alloc(0);
    await using server = await RawServer.start((socket) => {
      const pieces: Buffer[] = [];
      let bytes = 0;
      socket.on('data', (piece: Buffer) => {
        pieces.push(piece);
        bytes += piece.length;
        if (bytes < head.length + lengthBytes) return;
        received = Buffer.concat(pieces);
        socket.write(OK);
      });
    });
    const connection = server.connection(lengthBytes);
    const body = countingBody(lengthBytes);
    await connection.exchange({ head, body });
    const expected = generationBuffer(lengthBytes);
    body.fill(expected.words, 0, 0, lengthBytes);
    assert.equal(received.toString('latin1', 0, head.length), head);
    assert.ok(received.subarray(head.length).equals(expected.bytes.subarray(0, lengthBytes)));
    connection.destroy();
  });

test('an idle connection that the server closed is opened anew, and that is no failure', async () => {
  const closed: Promise<unknown>[] = [];
  await using server = await RawServer.start((socket) => {
    closed.push(once(socket, 'close'));
    socket.on('data', () => socket.end(OK));
  });
  const connection = server.connection();
  await connection.exchange(REQUEST);
  await closed[0];
  await connection.exchange(REQUEST);
  assert.equal(connection.opened, 2);
  connection.destroy();
});

test('a connection closed before or within the answer is a failure, and the next request may succeed', async () => {
  await using server = await RawServer.start((socket, number) => {
    socket.on('data', () => {
      if (number === 0) socket.end();
      else if (number === 1) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok');
      else socket.write(OK);
    });
  });
  const connection = server.connection();
  await assert.rejects(connection.exchange(REQUEST), kindOf('connection-closed'));
  await assert.rejects(connection.exchange(REQUEST), kindOf('connection-closed'));
  assert.equal((await connection.exchange(REQUEST)).status, 200);
  connection.destroy();
});

test('an answer that comes before the body has left ends the request and the connection', async () => {
  await using server = await RawServer.start((socket) => {
    // It reads the header and no more: the body cannot all leave.
    socket.once('data', () => {
      socket.pause();
      socket.write('HTTP/1.1 507 Full\r\nContent-Length: 0\r\n\r\n');
    });
  });
  const connection = server.connection(2 ** 20);
  const lengthBytes = 64 * 2 ** 20;
  const request = { head: `PUT / HTTP/1.1\r\nContent-Length: ${lengthBytes}\r\n\r\n` };
  for (let turn = 1; turn <= 3; turn++) {
    const head = await connection.exchange({ ...request, body: countingBody(lengthBytes) });
    assert.equal(head.status, 507);
    assert.equal(connection.opened, turn);
  }
  connection.destroy();
});

test('a server that says nothing is given up after the timeout, not before', async () => {
  await using server = await RawServer.start((socket) => socket.resume());
  const connection = server.connection(1024, 5000);
  const request = connection.exchange(REQUEST);
  await connection.open();
  connection.checkProgress(performance.now() + 4000);
  connection.checkProgress(performance.now() + 6000);
  await assert.rejects(request, kindOf('timeout'));
});

test('a server that takes the connection and never speaks TLS is given up after the timeout, or when told to', async () => {
  let taken: () => void;
  const taking = new Promise<void>((resolve) => (taken = resolve));
  await using server = await RawServer.start((socket) => socket.once('data', () => taken()));
  const connection = server.connection(1024, 5000, true);
  const request = connection.exchange(REQUEST);
  await taking;
  connection.checkProgress(performance.now() + 4000);
  connection.checkProgress(performance.now() + 6000);
  await assert.rejects(request, kindOf('timeout'));
  const another = connection.exchange(REQUEST);
  connection.destroy();
  await assert.rejects(another, kindOf('aborted'));
});

test('a server that is not there, and one that speaks something else, are told apart', async () => {
  await using server = await RawServer.start((socket) => socket.write('220 mail.example ESMTP\r\n\r\n'));
  await assert.rejects(server.connection().exchange(REQUEST), kindOf('response-malformed'));
  // Where nothing listens: a port that was only just given back may be somebody else's by now.
  const absent = new HttpConnection({ secure: false, host: '127.0.0.1', port: 9 }, 10_000, 1024);
  await assert.rejects(absent.exchange(REQUEST), kindOf('connection-refused'));
});

test('destroying a connection breaks off its request', async () => {
  await using server = await RawServer.start((socket) => socket.resume());
  const connection = server.connection();
  const request = connection.exchange(REQUEST);
  setImmediate(() => connection.destroy());
  await assert.rejects(request, kindOf('aborted'));
});
