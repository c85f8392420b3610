/** One TCP connection. */
import type { OnReadOpts, Socket } from 'node:net';
import type { Connection, ConnectionEvents } from './network.ts';

/** Where a socket's bytes go: the buffer that it reads into, and what to do with them once somebody listens. */
export interface Receiver {
  readonly onread: OnReadOpts;
  receive: (chunk: Buffer) => void;
}

export class RealConnection implements Connection {
  readonly remote: string;
  readonly #socket: Socket;
  readonly #receiver: Receiver;
  #corked = false;
  #closed = false;
  #error: Error | undefined;
  #events: ConnectionEvents | undefined;

  constructor(socket: Socket, receiver: Receiver) {
    this.#socket = socket;
    this.#receiver = receiver;
    this.remote = `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`;
    socket.on('error', (error) => {
      this.#error ??= error;
    });
    socket.once('close', () => {
      this.#closed = true;
      this.#events?.closed(this.#error);
    });
  }

  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  listen(events: ConnectionEvents): void {
    if (this.#events) throw new Error('a connection is listened to once');
    this.#events = events;
    if (this.#closed) {
      queueMicrotask(() => events.closed(this.#error));
      return;
    }
    this.#receiver.receive = (chunk) => events.data(chunk);
    this.#socket.resume();
  }

  write(chunks: readonly Uint8Array[], taken?: () => void): void {
    const socket = this.#socket;
    const last = chunks.length - 1;
    if (last < 0 || socket.destroyed || socket.writableEnded) {
      if (taken) queueMicrotask(taken);
      return;
    }
    if (!this.#corked) {
      // Until this turn of the event loop ends: what all its callbacks write leaves in one writev.
      this.#corked = true;
      socket.cork();
      setImmediate(() => {
        this.#corked = false;
        socket.uncork();
      });
    }
    for (let index = 0; index < last; index += 1) socket.write(chunks[index] as Uint8Array);
    // The stream calls back in order, and with an error when it is destroyed: either way the memory is free.
    if (taken) socket.write(chunks[last] as Uint8Array, () => taken());
    else socket.write(chunks[last] as Uint8Array);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(error?: Error): void {
    this.#socket.destroy(error);
  }
}
