/** Tells, a line a fate, what a client sees of a server behind the filter; runs in a network namespace of its own. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Fate, inOwnNetwork, PacketFilter, raiseLoopback } from './packet-filter.ts';

/** Of a loopback where nothing else happens. */
const LOST_MS = 500;

if (!process.argv.includes('--own-network')) process.exit(await inOwnNetwork(['--own-network']));
raiseLoopback();
const filter = await PacketFilter.make();
let received = 0;
const server = createServer((socket) => {
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    received += 1;
    socket.write(bytes);
  });
});
await once(server.listen(0, '127.0.0.1'), 'listening');
const { port } = server.address() as AddressInfo;

for (const fate of ['lost', 'requests-lost', 'answers-lost', 'refused'] satisfies Fate[]) {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const answer = answerOn(socket);
  const before = received;
  await filter.set(port, fate);
  socket.write('ping');
  const seen = await Promise.race([answer, sleep(LOST_MS, 'nothing')]);
  const arrived = received - before;
  await filter.set(port, 'passed');
  // What was lost is sent again.
  console.log(`${fate}: ${seen}, ${arrived} arrived, then ${await answer}`);
  socket.destroy();
}
process.exit(0);

async function answerOn(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.once('data', (bytes) => resolve(bytes.toString()));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
  });
}
