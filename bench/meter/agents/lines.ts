/** Messages over a socket: a line of JSON each, of bounded length; sealed when both sides have agreed on it. */
import type { Socket } from 'node:net';
import type { Seal } from './session.ts';

const LINE_CHARACTERS_MAX = 64 * 2 ** 20;
const QUEUED_BYTES_MAX = 128 * 2 ** 20;

export class JsonLines {
  readonly #socket: Socket;
  #pieces: string[] = [];
  #characters = 0;
  #seal: Seal | undefined;

  /**
   * @param heard is called with each value that came; what it throws closes the connection.
   * @param closed is called once, with why.
   */
  constructor(socket: Socket, heard: (value: unknown) => void, closed: (reason: string) => void) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.setNoDelay(true);
    let reason = 'it closed the connection';
    socket.on('data', (chunk: Buffer | string) => {
      try {
        this.#take(String(chunk), heard);
      } catch {
        reason = 'it broke the protocol';
        socket.destroy();
      }
    });
    socket.on('error', (error) => {
      reason = error.message;
    });
    socket.on('close', () => closed(reason));
  }

  send(value: unknown): void {
    if (this.#socket.destroyed) return;
    const text = JSON.stringify(value);
    this.#socket.write(`${this.#seal === undefined ? text : this.#seal.seal(text)}\n`);
    // Whoever does not read is gone, as far as a measurement is concerned.
    if (this.#socket.writableLength > QUEUED_BYTES_MAX) this.#socket.destroy();
  }

  /** From now on, in both directions. */
  sealWith(seal: Seal): void {
    this.#seal = seal;
  }

  close(): void {
    this.#socket.end();
  }

  /** Of what is not sealed when it should be, no more is believed than that we are refused. */
  #opened(line: string): unknown {
    if (this.#seal !== undefined && !line.startsWith('{')) return JSON.parse(this.#seal.open(line));
    const value: unknown = JSON.parse(line);
    if (this.#seal === undefined) return value;
    const { refused } = value as { readonly refused?: unknown };
    if (typeof refused !== 'string') throw new RangeError('a message is not sealed');
    return { refused };
  }

  #take(text: string, heard: (value: unknown) => void): void {
    const [first = '', ...rest] = text.split('\n');
    this.#pieces.push(first);
    this.#characters += first.length;
    if (this.#characters > LINE_CHARACTERS_MAX) throw new RangeError('the line has no end');
    for (const next of rest) {
      const line = this.#pieces.join('');
      this.#pieces = [next];
      this.#characters = next.length;
      if (line.trim() !== '') heard(this.#opened(line));
    }
  }
}
