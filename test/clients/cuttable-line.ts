/** A line to a port of this machine that can be cut, and can fall silent after so many bytes, with its ends open. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class CuttableLine {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;
  /** Of those that it carries to the port. */
  #bytesLeft: number;

  private constructor(to: number, silentAfterBytes: number) {
    this.#bytesLeft = silentAfterBytes;
    this.#server = createServer((near) => {
      if (this.#isCut) near.destroy();
      else this.#carry(near, connect(to, '127.0.0.1'));
    });
  }

  static async open(to: number, silentAfterBytes = Number.POSITIVE_INFINITY): Promise<CuttableLine> {
    const line = new CuttableLine(to, silentAfterBytes);
    line.#server.listen(0, '127.0.0.1');
    await once(line.#server, 'listening');
    return line;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get isSilent(): boolean {
    return this.#bytesLeft < 0;
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #carry(near: Socket, far: Socket): void {
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('end', () => other.end());
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
    far.on('data', (chunk) => near.write(chunk));
    near.on('data', (chunk) => {
      this.#bytesLeft -= chunk.length;
      if (!this.isSilent) far.write(chunk);
    });
  }
}
