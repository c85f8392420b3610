/**
 * Requests that a client sends without waiting for the answers before them (RFC 9112, section 9.3.2). Each is begun when those before it
 * are out: begun together, their answers would lie in memory until the client reads, as many as fit into what it has sent.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** So many waiting requests of a connection, and the server ceases to read from it: what one read gave besides is still parsed. */
const AHEAD_MAX = 64;

export class Pipeline {
  readonly #waiting = new WeakMap<Socket, number>();

  /** Calls `begin` when the answers before this one are out: at once, or later; never when the connection closes before. */
  inTurn({ socket }: IncomingMessage, response: ServerResponse, begin: () => void): void {
    if (response.socket !== null) return begin();
    this.#add(socket, 1);
    response.once('socket', () => {
      this.#add(socket, -1);
      // In a turn of its own: thousands of small ones would otherwise follow one another while all other connections wait.
      setImmediate(() => {
        if (!response.destroyed) begin();
      });
    });
  }

  #add(socket: Socket, more: 1 | -1): void {
    const waiting = (this.#waiting.get(socket) ?? 0) + more;
    this.#waiting.set(socket, waiting);
    if (more === 1 && waiting === AHEAD_MAX) socket.pause();
    if (more === -1 && waiting === AHEAD_MAX - 1) socket.resume();
  }
}
