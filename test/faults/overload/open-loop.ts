/** Requests that come due at a fixed rate, however late the answers: what those that are accepted have to wait, and how many are refused. */
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';

export interface OpenLoopOptions {
  readonly port: number;
  /** Whole requests, used in turn. */
  readonly requests: readonly string[];
  readonly ratePerS: number;
  readonly durationMs: number;
  readonly connections: number;
}

export interface OpenLoopFigures {
  readonly offered: number;
  /** From when it was due to the end of the answer, in ms, in order of their length. */
  readonly accepted: readonly number[];
  readonly refused: readonly number[];
  /** Any other status. */
  readonly failed: number;
  /** Came due when every connection waited for an answer: their clients are full. */
  readonly unsent: number;
}

const TICK_MS = 2;
const HEAD_END = '\r\n\r\n';

/** Latencies hold what the generator itself is late by: it shares the machine. */
export async function runOpenLoop(options: OpenLoopOptions): Promise<OpenLoopFigures> {
  const loop = new OpenLoop(options);
  await loop.connect();
  return loop.run();
}

class OpenLoop {
  readonly #options: OpenLoopOptions;
  readonly #free: Wire[] = [];
  readonly #wires: Wire[] = [];
  readonly #accepted: number[] = [];
  readonly #refused: number[] = [];
  #failed = 0;
  #unsent = 0;
  #sent = 0;
  #left = 0;
  #over: () => void = () => undefined;

  constructor(options: OpenLoopOptions) {
    this.#options = options;
  }

  async connect(): Promise<void> {
    for (let made = 0; made < this.#options.connections; made += 1)
      this.#wires.push(
        await Wire.open(this.#options.port, {
          answered: (wire, status, dueMs) => this.#answered(wire, status, dueMs),
          closed: (wire) => this.#closed(wire),
        }),
      );
    this.#free.push(...this.#wires);
  }

  async run(): Promise<OpenLoopFigures> {
    const { ratePerS, durationMs } = this.#options;
    const offered = Math.floor((ratePerS * durationMs) / 1000);
    this.#left = offered;
    const startMs = performance.now();
    let due = 0;
    const timer = setInterval(() => {
      const nowMs = performance.now();
      while (due < offered && startMs + (due * 1000) / ratePerS <= nowMs) {
        this.#send(startMs + (due * 1000) / ratePerS);
        due += 1;
      }
    }, TICK_MS);
    await new Promise<void>((resolve) => {
      this.#over = resolve;
    });
    clearInterval(timer);
    for (const wire of this.#wires) wire.close();
    const sorted = (times: number[]): number[] => times.toSorted((a, b) => a - b);
    return {
      offered,
      accepted: sorted(this.#accepted),
      refused: sorted(this.#refused),
      failed: this.#failed,
      unsent: this.#unsent,
    };
  }

  #send(dueMs: number): void {
    const { requests } = this.#options;
    const wire = this.#free.shift();
    if (wire === undefined) {
      this.#unsent += 1;
      this.#ended();
      return;
    }
    wire.send(requests[this.#sent % requests.length] as string, dueMs);
    this.#sent += 1;
  }

  #answered(wire: Wire, status: number, dueMs: number): void {
    const tookMs = performance.now() - dueMs;
    if (status === 200) this.#accepted.push(tookMs);
    else if (status === 503) this.#refused.push(tookMs);
    else this.#failed += 1;
    this.#free.push(wire);
    this.#ended();
  }

  /** By the server: what was sent on it is not answered any more, and nothing more is sent. */
  #closed(wire: Wire): void {
    const place = this.#free.indexOf(wire);
    if (place >= 0) this.#free.splice(place, 1);
    else if (this.#left > 0) {
      this.#failed += 1;
      this.#ended();
    }
  }

  #ended(): void {
    this.#left -= 1;
    if (this.#left === 0) this.#over();
  }
}

interface WireEvents {
  readonly answered: (wire: Wire, status: number, dueMs: number) => void;
  readonly closed: (wire: Wire) => void;
}

/** One connection, one request at a time. */
class Wire {
  readonly #socket: Socket;
  #text = '';
  #dueMs = 0;

  private constructor(socket: Socket, { answered, closed }: WireEvents) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#text += text;
      const head = this.#text.indexOf(HEAD_END);
      if (head < 0) return;
      const bodyBytes = Number(/^content-length: *(\d+)/im.exec(this.#text.slice(0, head))?.[1] ?? 0);
      if (this.#text.length < head + HEAD_END.length + bodyBytes) return;
      const status = Number(this.#text.slice(9, 12));
      this.#text = '';
      answered(this, status, this.#dueMs);
    });
    socket.on('error', (error) => {
      throw error;
    });
    socket.on('close', () => closed(this));
  }

  static open(port: number, events: WireEvents): Promise<Wire> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new Wire(socket, events));
      });
    });
  }

  send(request: string, dueMs: number): void {
    this.#dueMs = dueMs;
    this.#socket.write(request);
  }

  close(): void {
    this.#socket.destroy();
  }
}
