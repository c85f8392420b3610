/**
 * Follows every request of a process to its end and tells what it was and what it carried, also of one that breaks. Bytes are the
 * connection's own: each is counted once, for the request during which it went over the wire.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '#common/io/clock.ts';
import { Transients } from '#common/transients.ts';
import type { RequestTrace, TrafficListener } from './request-trace.ts';

/** Up to where a connection's bytes have been counted. */
interface Counted {
  bytesIn: number;
  bytesOut: number;
}

interface OpenRequest {
  readonly trace: RequestTrace;
  readonly socket: Socket;
  readonly counted: Counted;
}

export class Traffic {
  readonly #clock: Clock;
  readonly #listeners: readonly TrafficListener[];
  readonly #connections = new WeakMap<Socket, Counted>();
  readonly #open = new Transients<OpenRequest>();

  constructor(clock: Clock, listeners: readonly TrafficListener[]) {
    this.#clock = clock;
    this.#listeners = listeners;
  }

  get openRequests(): number {
    return this.#open.size;
  }

  begin(incoming: IncomingMessage, response: ServerResponse): RequestTrace {
    const trace: RequestTrace = {
      door: 'none',
      operation: '',
      account: undefined,
      method: incoming.method ?? '',
      namesObject: false,
    };
    const { socket } = incoming;
    const request = { trace, socket, counted: this.#countedOf(socket) };
    const begunMs = this.#clock.monotonicMs();
    const slot = this.#open.add(request);
    response.once('close', () => {
      this.#open.remove(slot, request);
      const status = response.headersSent ? response.statusCode : 0;
      this.#count(request, status);
      const seconds = (this.#clock.monotonicMs() - begunMs) / 1000;
      for (const listener of this.#listeners) listener.finished({ trace, status, seconds });
    });
    return trace;
  }

  /** Tells what requests that are under way have carried since it was last told: a download of hours is counted in each of them. */
  countOpen(): void {
    for (const request of this.#open) if (request.trace.account !== undefined) this.#count(request);
  }

  #countedOf(socket: Socket): Counted {
    const known = this.#connections.get(socket);
    if (known !== undefined) return known;
    const fresh = { bytesIn: 0, bytesOut: 0 };
    this.#connections.set(socket, fresh);
    return fresh;
  }

  #count({ trace, socket, counted }: OpenRequest, status?: number): void {
    const { bytesRead, bytesWritten } = socket as Partial<Socket>;
    const bytesIn = Math.max(0, (bytesRead ?? 0) - counted.bytesIn);
    const bytesOut = Math.max(0, (bytesWritten ?? 0) - counted.bytesOut);
    if (bytesIn === 0 && bytesOut === 0) return;
    counted.bytesIn += bytesIn;
    counted.bytesOut += bytesOut;
    for (const listener of this.#listeners) listener.transferred(trace, { bytesIn, bytesOut }, status);
  }
}
