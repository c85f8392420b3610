/** A crowd of connections that send a byte at a time, or ask for an object and read none of it. */
import { connect, type Socket } from 'node:net';

export interface Crowd extends AsyncDisposable {
  /** Connections that stand. */
  readonly standing: number;
  /** What has been answered to those that send. */
  readonly answered: readonly string[];
}

const DROP_MS = 500;
/** Connections that are being made at once: the system's queue of them is not what is tried here. */
const CONNECTING_MAX = 50;

export interface Slow {
  readonly count: number;
  /** A request up to where it becomes slow. */
  readonly begun: (index: number) => string;
  /** What is sent again and again; nothing when left out. */
  readonly drop?: string;
  /** Whether nothing that is answered is read. */
  readonly stalls?: boolean;
}

export async function gatherCrowd(port: number, kinds: readonly Slow[]): Promise<Crowd> {
  const sockets = new Set<Socket>();
  const timers: NodeJS.Timeout[] = [];
  const answered: string[] = [];
  for (const { count, begun, drop, stalls } of kinds) {
    const own: Socket[] = [];
    for (let index = 0; index < count; index += CONNECTING_MAX) {
      const batch = Array.from({ length: Math.min(CONNECTING_MAX, count - index) }, async (_, place) => {
        const socket = await connected(port);
        sockets.add(socket);
        own.push(socket);
        socket.on('close', () => sockets.delete(socket));
        if (stalls === true) socket.pause();
        else socket.on('data', (chunk: Buffer) => answered.push(chunk.toString('latin1')));
        socket.write(begun(index + place));
      });
      await Promise.all(batch);
      // What the server finds in one turn of its loop it may refuse a part of: here it is to have them all.
      await (await fetch(`http://127.0.0.1:${port}/_holdfast/health`)).arrayBuffer();
    }
    if (drop === undefined) continue;
    timers.push(
      setInterval(() => {
        for (const socket of own) if (socket.writable) socket.write(drop);
      }, DROP_MS),
    );
  }
  return {
    get standing() {
      return sockets.size;
    },
    answered,
    async [Symbol.asyncDispose]() {
      for (const timer of timers) clearInterval(timer);
      for (const socket of sockets) socket.destroy();
    },
  };
}

function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      // The other side gives slow ones up: that is not for the test to fail on.
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}
