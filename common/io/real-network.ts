/**
 * TCP.
 *
 * Every connection reads into one recycled buffer (`onread`): a fresh buffer per chunk costs two to four times the CPU for
 * large bodies. Writes made in one tick leave in one writev.
 */
import * as net from 'node:net';
import { HoldfastError } from '#common/errors.ts';
import type { Address, Connection, Listener, Network } from './network.ts';
import { RealConnection, type Receiver } from './real-connection.ts';

const READ_BUFFER_BYTES = 256 * 1024;
const BACKLOG_CONNECTIONS = 1024;
const KEEP_ALIVE_DELAY_MS = 15_000;

export function realNetwork(): Network {
  return { connect, listen };
}

function connect(to: Address, timeoutMs: number): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const receiver = newReceiver();
    const socket = net.connect({
      host: to.host,
      port: to.port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
      onread: receiver.onread,
    });
    // Nothing is read before somebody listens.
    socket.pause();
    const refuse = (detail: string, cause?: Error): void => {
      clearTimeout(deadline);
      socket.destroy();
      reject(new HoldfastError('peer-unavailable', `${to.host}:${to.port}: ${detail}`, { cause }));
    };
    const deadline = setTimeout(() => refuse(`no connection within ${timeoutMs} ms`), timeoutMs);
    const failed = (error: Error): void => refuse(error.message, error);
    socket.once('error', failed);
    socket.once('connect', () => {
      clearTimeout(deadline);
      const connection = new RealConnection(socket, receiver);
      socket.removeListener('error', failed);
      resolve(connection);
    });
  });
}

function listen(at: Address, accept: (connection: Connection) => void): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const open = new Set<net.Socket>();
    const server = net.createServer({
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
      pauseOnConnect: true,
    });
    server.on('connection', (accepted) => {
      const receiver = newReceiver();
      const socket = withReceiver(accepted, receiver);
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      accept(new RealConnection(socket, receiver));
    });
    server.once('error', reject);
    server.listen({ host: at.host, port: at.port, backlog: BACKLOG_CONNECTIONS }, () => {
      server.removeListener('error', reject);
      // A failed accept (no descriptors left) loses that connection, not the listener.
      server.on('error', () => undefined);
      const { port } = server.address() as net.AddressInfo;
      resolve({ address: { host: at.host, port }, close: () => closeServer(server, open) });
    });
  });
}

function closeServer(server: net.Server, open: Set<net.Socket>): Promise<void> {
  const closed = Promise.all(
    Array.from(open, (socket) => new Promise<void>((resolve) => socket.once('close', () => resolve()))),
  );
  const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const socket of open) socket.destroy();
  return Promise.all([closed, stopped]).then(() => undefined);
}

function newReceiver(): Receiver {
  // Its own memory, not a slice of a pool: it lives as long as the connection.
  const buffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  const receiver: Receiver = {
    onread: {
      buffer,
      callback: (bytes) => {
        receiver.receive(buffer.subarray(0, bytes));
        return true;
      },
    },
    receive: () => undefined,
  };
  return receiver;
}

/**
 * Node lets only the connecting side say `onread`. The accepted socket is therefore emptied of its handle, and a new socket made
 * around the handle. Both properties are Node's own, unchanged since Node 12; where they are missing, the accepted
 * socket is used as it stands.
 */
function withReceiver(accepted: net.Socket, receiver: Receiver): net.Socket {
  const inner = accepted as unknown as { _handle: object | null };
  const handle = inner._handle;
  if (!handle) return accepted.on('data', (chunk: Buffer) => receiver.receive(chunk)).pause();
  inner._handle = null;
  accepted.destroy();
  const options = { handle, onread: receiver.onread, pauseOnCreate: true };
  return new net.Socket(options as net.SocketConstructorOpts);
}
