/** Messages over a socket: a line of JSON each, of bounded length; sealed when both sides have agreed on it. */
import type { Socket } from 'node:net';
import type { Seal } from './session.ts';

const LINE_CHARACTERS_MAX = 64 * 2 ** 20;
/** Of those who have not shown that they know the token. */
const GREETING_CHARACTERS_MAX = 4096;
const BEAT_PERIOD_MS = 1000;
/** Beats of ours without a word from the other side, after which it is lost: a machine that is off says no goodbye. */
const SILENT_BEATS_MAX = 10;
/** For the other side to close too. */
const CLOSE_MS_MAX = 5000;
const QUEUED_BYTES_MAX = 128 * 2 ** 20;

const BEAT = { beat: true } as const;

function isBeat(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'beat' in value;
}

export class JsonLines {
  readonly #socket: Socket;
  #pieces: string[] = [];
  #characters = 0;
  #seal: Seal | undefined;
  #beat: NodeJS.Timeout | undefined;
  #silentBeats = 0;
  #reason = 'it closed the connection';

  /**
   * @param heard is called with each value that came; what it throws closes the connection.
   * @param closed is called once, with why.
   */
  constructor(socket: Socket, heard: (value: unknown) => void, closed: (reason: string) => void) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer | string) => {
      this.#silentBeats = 0;
      try {
        this.#take(String(chunk), heard);
      } catch {
        this.#reason = 'it broke the protocol';
        socket.destroy();
      }
    });
    socket.on('error', (error) => {
      this.#reason = error.message;
    });
    socket.on('close', () => {
      clearInterval(this.#beat);
      closed(this.#reason);
    });
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

  /**
   * Says every second that we are there, and takes the other side for lost when it does not: both do it. Beats are
   * counted, not seconds: where we ourselves were held up, what was said meanwhile is yet to be read.
   */
  beat(): void {
    this.#beat = setInterval(() => {
      if (++this.#silentBeats > SILENT_BEATS_MAX) {
        this.#reason = `nothing was heard of it for ${(SILENT_BEATS_MAX * BEAT_PERIOD_MS) / 1000} s`;
        this.#socket.destroy();
      } else this.send(BEAT);
    }, BEAT_PERIOD_MS);
  }

  close(): void {
    clearInterval(this.#beat);
    this.#socket.end();
    // A timer keeps nobody from ending.
    setTimeout(() => this.#socket.destroy(), CLOSE_MS_MAX).unref();
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
    const most = this.#seal === undefined ? GREETING_CHARACTERS_MAX : LINE_CHARACTERS_MAX;
    if (this.#characters > most) throw new RangeError('the line has no end');
    for (const next of rest) {
      const line = this.#pieces.join('');
      this.#pieces = [next];
      this.#characters = next.length;
      if (line.trim() === '') continue;
      const value = this.#opened(line);
      if (!isBeat(value)) heard(value);
    }
  }
}
