/** One side of a connection of the network in memory. */
import type { Connection, ConnectionEvents } from './network.ts';

export interface PairOptions {
  readonly near: Side;
  readonly far: Side;
  readonly schedule: (task: () => void) => void;
  /** Whether bytes pass from one host to the other now. */
  readonly passes: (from: string, to: string) => boolean;
  readonly closed: (connection: MemoryConnection) => void;
}

interface Side {
  readonly host: string;
  /** host:port */
  readonly name: string;
}

interface Sent {
  readonly bytes: Buffer;
  readonly taken: (() => void) | undefined;
}

/** What a receiver that kept the transport's buffer finds in it. */
const RECYCLED = 0xdd;

export function connectPair(options: PairOptions): [MemoryConnection, MemoryConnection] {
  const near = new MemoryConnection(options.near.host, options.far, options);
  const far = new MemoryConnection(options.far.host, options.near, options);
  near.pairWith(far);
  far.pairWith(near);
  return [near, far];
}

export class MemoryConnection implements Connection {
  readonly remote: string;
  readonly from: string;
  readonly to: string;
  queuedBytes = 0;
  readonly #options: PairOptions;
  #peer: MemoryConnection | undefined;
  #events: ConnectionEvents | undefined;
  #sent: Sent[] = [];
  #paused = false;
  #ending = false;
  #remoteEnded = false;
  #pumping = false;
  #closed = false;
  #closeError: Error | undefined;
  #resetByPeer = false;
  readonly #whenClosed = Promise.withResolvers<void>();

  constructor(from: string, to: Side, options: PairOptions) {
    this.from = from;
    this.to = to.host;
    this.remote = to.name;
    this.#options = options;
  }

  pairWith(peer: MemoryConnection): void {
    this.#peer = peer;
  }

  listen(events: ConnectionEvents): void {
    if (this.#events) throw new Error('a connection is listened to once');
    this.#events = events;
    if (this.#closed) this.#options.schedule(() => events.closed(this.#closeError));
    else this.#peer?.wake();
  }

  write(chunks: readonly Uint8Array[], taken?: () => void): void {
    const bytes = Buffer.concat(chunks);
    if (this.#closed || this.#ending || bytes.length === 0) {
      if (taken) this.#options.schedule(taken);
      return;
    }
    this.#sent.push({ bytes, taken });
    this.queuedBytes += bytes.length;
    this.wake();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#peer?.wake();
  }

  end(): void {
    this.#ending = true;
    this.wake();
  }

  destroy(error?: Error): void {
    this.#close(error);
    const peer = this.#peer;
    if (peer) this.#options.schedule(() => peer.#hearReset());
  }

  /** Closes both sides, as the network does when it resets a connection. */
  reset(): void {
    this.#close(resetError());
  }

  destroyed(): Promise<void> {
    this.destroy();
    return this.#whenClosed.promise;
  }

  /** Sees later whether something can be delivered to the peer. */
  wake(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    this.#options.schedule(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (!this.#options.passes(this.from, this.to)) return;
    if (this.#resetByPeer) this.#close(resetError());
    const peer = this.#peer;
    while (peer && !this.#closed) {
      if (this.#sent.length === 0) return this.#finish(peer);
      if (!peer.receiving) return;
      const next = this.#sent.shift();
      if (!next) return;
      this.queuedBytes -= next.bytes.length;
      peer.#receive(next.bytes);
      next.taken?.();
    }
  }

  get receiving(): boolean {
    return this.#events !== undefined && !this.#paused && !this.#closed;
  }

  #receive(bytes: Buffer): void {
    this.#events?.data(bytes);
    bytes.fill(RECYCLED);
  }

  /** All that was written has arrived: tells the peer of our end, and closes both when the peer has ended too. */
  #finish(peer: MemoryConnection): void {
    if (!this.#ending) return;
    if (this.#remoteEnded) {
      this.#close(undefined);
      peer.#close(undefined);
    } else if (!peer.#remoteEnded) {
      peer.#remoteEnded = true;
      peer.end();
    }
  }

  #hearReset(): void {
    this.#resetByPeer = true;
    this.wake();
  }

  #close(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closeError = error;
    const unsent = this.#sent;
    this.#sent = [];
    this.queuedBytes = 0;
    this.#options.closed(this);
    this.#options.schedule(() => {
      for (const { taken } of unsent) taken?.();
      this.#events?.closed(error);
      this.#whenClosed.resolve();
    });
  }
}

function resetError(): Error {
  return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
}
