/** A line to a port of this machine that carries so many bytes to it, and then nothing more, with its ends open. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class FallingSilent {
  isSilent = false;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #left: number;

  private constructor(to: number, bytes: number) {
    this.#left = bytes;
    this.#server = createServer((near) => this.#carry(near, connect(to, '127.0.0.1')));
  }

  static async open(to: number, bytes: number): Promise<FallingSilent> {
    const line = new FallingSilent(to, bytes);
    line.#server.listen(0, '127.0.0.1');
    await once(line.#server, 'listening');
    return line;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #carry(near: Socket, far: Socket): void {
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
    far.pipe(near);
    near.on('data', (chunk: Buffer) => {
      this.#left -= chunk.length;
      this.isSilent = this.#left < 0;
      if (!this.isSilent) far.write(chunk);
    });
  }
}
