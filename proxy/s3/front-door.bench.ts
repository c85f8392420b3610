/**
 * What a small request costs the proxy: CPU of its process alone, on a cluster in memory, with the load in another
 * process. By hand: `node proxy/s3/front-door.bench.ts [METHOD …]`.
 */
import { fork } from 'node:child_process';
import { connect } from 'node:net';
import { openTestBed, type TestBed } from './s3-test-bed.ts';

const CONNECTIONS = 32;
const REQUESTS = 20_000;
const BODY_BYTES = 4096;

interface Cost {
  readonly userMs: number;
  readonly systemMs: number;
  readonly wallMs: number;
}

interface Load {
  readonly port: number;
  /** One request, as it goes over the wire, Latin-1. */
  readonly wire: string;
  readonly requests: number;
}

if (process.argv[2] === 'load') process.on('message', (load: Load) => void drive(load));
else await measureAll();

async function measureAll(): Promise<void> {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/box' });
  await bed.send({ method: 'PUT', path: '/box/key', body: Buffer.alloc(BODY_BYTES, 1) });
  const named = process.argv.slice(2);
  for (const method of named.length === 0 ? ['GET', 'HEAD', 'PUT'] : named) {
    await measure(bed, method, REQUESTS / 4);
    const { userMs, systemMs, wallMs } = await measure(bed, method, REQUESTS);
    const rate = Math.round((REQUESTS / wallMs) * 1000);
    const [user, system] = [userMs, systemMs].map((ms) => (ms / REQUESTS).toFixed(3));
    process.stdout.write(`${method} 4 KiB: CPU ms a request: ${user} user, ${system} system; ${rate}/s\n`);
  }
}

async function measure(bed: TestBed, method: string, requests: number): Promise<Cost> {
  const body = method === 'PUT' ? Buffer.alloc(BODY_BYTES, 1) : undefined;
  const sent = { method, path: '/box/key', ...(body === undefined ? {} : { body }) };
  const { path, headers } = bed.sign(sent);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const wire = `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body?.toString('latin1') ?? ''}`;
  const client = fork(import.meta.filename, ['load']);
  await new Promise((resolve) => client.once('spawn', resolve));
  const started = performance.now();
  const before = process.cpuUsage();
  client.send({ port: bed.port, wire, requests } satisfies Load);
  await new Promise((resolve) => client.once('message', resolve));
  const { user, system } = process.cpuUsage(before);
  const wallMs = performance.now() - started;
  client.disconnect();
  return { userMs: user / 1000, systemMs: system / 1000, wallMs };
}

/** Every answer has the length of the first, so counting bytes counts answers. */
async function drive({ port, wire, requests }: Load): Promise<void> {
  const request = Buffer.from(wire, 'latin1');
  let left = requests;
  const run = () =>
    new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(request));
      let answerBytes = 0;
      let receivedBytes = 0;
      socket.on('data', (chunk: Buffer) => {
        if (answerBytes === 0) answerBytes = lengthOf(chunk, wire.startsWith('HEAD'));
        receivedBytes += chunk.length;
        if (receivedBytes < answerBytes) return;
        receivedBytes -= answerBytes;
        if (left-- > 0) socket.write(request);
        else socket.end();
      });
      socket.on('close', () => resolve());
    });
  await Promise.all(Array.from({ length: CONNECTIONS }, run));
  process.send?.('done');
}

function lengthOf(first: Buffer, bodiless: boolean): number {
  const text = first.toString('latin1');
  if (!text.startsWith('HTTP/1.1 200')) throw new Error(text.slice(0, 200));
  const body = bodiless ? 0 : Number(/content-length: (\d+)/i.exec(text)?.[1]);
  return text.indexOf('\r\n\r\n') + 4 + body;
}
