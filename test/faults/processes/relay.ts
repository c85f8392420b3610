/** A wire between two processes that can be cut: connections to one port are passed on to another, held up, or severed. */
import { type Server, type Socket, connect, createServer } from 'node:net';

const HOST = '127.0.0.1';

/** `silent`: nothing comes through, and nobody is told; what waits comes through later. `severed`: connections break, new ones are refused. */
export type WireState = 'open' | 'silent' | 'severed';

export class Relay implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #state: WireState = 'open';

  private constructor(port: number, targetPort: number) {
    this.port = port;
    this.#server = createServer({ allowHalfOpen: true }, (near) => {
      if (this.#state === 'severed') {
        near.resetAndDestroy();
        return;
      }
      const far = connect({ host: HOST, port: targetPort, allowHalfOpen: true });
      this.#pass(near, far);
      this.#pass(far, near);
    });
  }

  static async listen(port: number, targetPort: number): Promise<Relay> {
    const relay = new Relay(port, targetPort);
    await new Promise<void>((resolve, reject) => {
      relay.#server.once('error', reject);
      relay.#server.listen(port, HOST, resolve);
    });
    return relay;
  }

  set(state: WireState): void {
    this.#state = state;
    for (const socket of this.#sockets) {
      if (state === 'severed') socket.destroy();
      else if (state === 'silent') socket.pause();
      else socket.resume();
    }
  }

  #pass(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.setNoDelay(true);
    from.on('data', (chunk) => {
      if (!to.write(chunk)) from.pause();
    });
    to.on('drain', () => {
      if (this.#state === 'open') from.resume();
    });
    from.on('end', () => to.end());
    from.on('error', () => undefined);
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
    if (this.#state === 'silent') from.pause();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
