/**
 * A network in memory, under a test's control: hosts by name, partitions that hold bytes back until they heal, and resets.
 * Bytes between two hosts arrive in order, never in the call that wrote them.
 */
import { HoldfastError } from '#common/errors.ts';
import type { Clock } from './clock.ts';
import { MemoryConnection, connectPair } from './memory-connection.ts';
import type { Address, Connection, Listener, Network } from './network.ts';
import { realClock } from './real-clock.ts';

export interface MemoryNetworkOptions {
  /** Runs a task later; by default on the event loop's next turn. A simulator passes its own queue. */
  readonly schedule?: (task: () => void) => void;
  /** For the timeouts of `connect`. */
  readonly clock?: Clock;
}

/** The network as the host `local` sees it, and what a test does to it. */
export interface MemoryNetwork extends Network {
  /** The network as the host `name` sees it. */
  host(name: string): Network;
  /** From now on nothing passes between the two hosts; what is written waits. */
  partition(one: string, other: string): void;
  /** Ends every partition; what waited arrives. */
  heal(): void;
  /** Resets every connection between the two hosts. */
  sever(one: string, other: string): void;
}

const FIRST_FREE_PORT = 30_000;

export function memoryNetwork(options: MemoryNetworkOptions = {}): MemoryNetwork {
  return new Wires(options.schedule ?? ((task) => void setImmediate(task)), options.clock ?? realClock());
}

interface Accepting {
  readonly accept: (connection: Connection) => void;
  readonly open: Set<MemoryConnection>;
}

class Wires implements MemoryNetwork {
  readonly #schedule: (task: () => void) => void;
  readonly #clock: Clock;
  readonly #accepting = new Map<string, Accepting>();
  readonly #cut = new Set<string>();
  readonly #open = new Set<MemoryConnection>();
  #nextPort = FIRST_FREE_PORT;

  constructor(schedule: (task: () => void) => void, clock: Clock) {
    this.#schedule = schedule;
    this.#clock = clock;
  }

  host(name: string): Network {
    return {
      connect: (to, timeoutMs) => this.#connect(name, to, timeoutMs),
      listen: (at, accept) => this.listen(at, accept),
    };
  }

  connect(to: Address, timeoutMs: number): Promise<Connection> {
    return this.#connect('local', to, timeoutMs);
  }

  async listen(at: Address, accept: (connection: Connection) => void): Promise<Listener> {
    const port = at.port === 0 ? this.#takePort() : at.port;
    const name = `${at.host}:${port}`;
    if (this.#accepting.has(name))
      throw Object.assign(new Error(`EADDRINUSE: ${name}`), { code: 'EADDRINUSE' });
    const accepting: Accepting = { accept, open: new Set() };
    this.#accepting.set(name, accepting);
    return {
      address: { host: at.host, port },
      close: async () => {
        if (this.#accepting.get(name) === accepting) this.#accepting.delete(name);
        await Promise.all(Array.from(accepting.open, (connection) => connection.destroyed()));
      },
    };
  }

  partition(one: string, other: string): void {
    this.#cut.add(`${one} ${other}`).add(`${other} ${one}`);
  }

  heal(): void {
    this.#cut.clear();
    for (const connection of this.#open) connection.wake();
  }

  sever(one: string, other: string): void {
    for (const connection of this.#open) {
      const { from, to } = connection;
      if ((from === one && to === other) || (from === other && to === one)) connection.reset();
    }
  }

  #takePort(): number {
    this.#nextPort += 1;
    return this.#nextPort;
  }

  #passes(from: string, to: string): boolean {
    return !this.#cut.has(`${from} ${to}`);
  }

  #connect(from: string, to: Address, timeoutMs: number): Promise<Connection> {
    const name = `${to.host}:${to.port}`;
    return new Promise((resolve, reject) => {
      if (!this.#passes(from, to.host)) {
        this.#clock.after(timeoutMs, () => {
          reject(new HoldfastError('peer-unavailable', `${name}: no connection within ${timeoutMs} ms`));
        });
        return;
      }
      this.#schedule(() => {
        const accepting = this.#accepting.get(name);
        if (!accepting) return reject(new HoldfastError('peer-unavailable', `${name}: ECONNREFUSED`));
        const [near, far] = connectPair({
          near: { host: from, name: `${from}:${this.#takePort()}` },
          far: { host: to.host, name },
          schedule: this.#schedule,
          passes: (source, target) => this.#passes(source, target),
          closed: (connection) => {
            this.#open.delete(connection);
            accepting.open.delete(connection);
          },
        });
        this.#open.add(near).add(far);
        accepting.open.add(far);
        accepting.accept(far);
        resolve(near);
      });
    });
  }
}
