/**
 * What receiving a body costs: bodies come over loopback TCP from a thread of their own, are drained to a sink that
 * takes them at once, and the CPU of the receiving side (main thread and digest workers) is counted.
 * By hand: `node proxy/body/body.bench.ts [MiB a body]`.
 */
import { once } from 'node:events';
import { type IncomingMessage, createServer } from 'node:http';
import { connect } from 'node:net';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { realClock } from '#common/io/real-clock.ts';
import type { PayloadMode } from '#proxy/auth/authentication.ts';
import { defaultBodyLimits } from './body-context.ts';
import { SEED, awsChunked, signedChunksMode } from './body-test-bed.ts';
import { BufferPool } from './buffer-pool.ts';
import { DigestPool } from './digest-pool.ts';
import { digestsOf } from './digester.ts';
import { openRequestBody } from './open-request-body.ts';

const PORT = 21_250;
const MEBIBYTE = 2 ** 20;

interface Sending {
  readonly head: string;
  readonly body: Uint8Array;
  readonly rounds: number;
}

/** The sending side: says when it is connected and warm, waits to be let go, and reports the CPU that it took. */
async function send({ head, body, rounds }: Sending): Promise<void> {
  const socket = connect({ port: PORT, host: '127.0.0.1', noDelay: true });
  const sendRounds = async (count: number) => {
    for (let round = 0; round < count; round++) {
      socket.write(head);
      for (let at = 0; at < body.length; at += MEBIBYTE) {
        if (!socket.write(body.subarray(at, at + MEBIBYTE))) await once(socket, 'drain');
      }
      await once(socket, 'data');
    }
  };
  await sendRounds(Math.ceil(rounds / 10));
  parentPort?.postMessage('ready');
  if (parentPort !== null) await once(parentPort, 'message');
  const started = process.threadCpuUsage();
  await sendRounds(rounds);
  parentPort?.postMessage(process.threadCpuUsage(started));
  socket.destroy();
  parentPort?.close();
}

interface Case {
  readonly name: string;
  readonly payload: PayloadMode;
  readonly encoded: Buffer;
  readonly decodedLength: number;
  readonly headers: Record<string, string>;
  readonly rounds: number;
  /** Received and dropped: what node:http and the system cost by themselves. */
  readonly discarded?: boolean;
}

async function measure(one: Case): Promise<void> {
  const buffers = new BufferPool();
  const digests = DigestPool.start({ memory: buffers.memory });
  const context = { buffers, digests, clock: realClock(), limits: defaultBodyLimits };
  const server = createServer((incoming: IncomingMessage, response) => {
    const body = openRequestBody(incoming, { headers: incoming.headers, payload: one.payload }, context);
    const done = one.discarded === true ? body.discard(Infinity) : body.drain(() => Promise.resolve());
    done.then(
      () => response.end(),
      (error: unknown) => {
        throw error;
      },
    );
  });
  server.listen(PORT, '127.0.0.1');
  await once(server, 'listening');
  const headers = { host: 'bench', 'content-length': String(one.encoded.length), ...one.headers };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `PUT /bucket/key HTTP/1.1\r\n${lines.join('')}\r\n`;
  const shared = Buffer.from(new SharedArrayBuffer(one.encoded.length));
  one.encoded.copy(shared);
  const sending: Sending = { head, body: shared, rounds: one.rounds };
  const sender = new Worker(new URL(import.meta.url), { workerData: sending });
  await once(sender, 'message');
  const startedMs = performance.now();
  const startedCpu = process.cpuUsage();
  sender.postMessage('go');
  const [sent] = (await once(sender, 'message')) as [NodeJS.CpuUsage];
  const seconds = (performance.now() - startedMs) / 1000;
  const spent = process.cpuUsage(startedCpu);
  const cpuSeconds = (spent.user + spent.system - sent.user - sent.system) / 1e6;
  const bytes = one.decodedLength * one.rounds;
  const rate = bytes / MEBIBYTE / seconds;
  const cost =
    one.decodedLength < MEBIBYTE
      ? `${((cpuSeconds / one.rounds) * 1e6).toFixed(0)} µs of CPU a body`
      : `${(cpuSeconds / (bytes / 2 ** 30)).toFixed(2)} CPU s/GiB`;
  process.stdout.write(`${one.name.padEnd(34)} ${rate.toFixed(0).padStart(6)} MiB/s  ${cost}\n`);
  server.closeAllConnections();
  server.close();
  await digests.close();
}

async function run(): Promise<void> {
  const payload = Buffer.alloc(Number(process.argv[2] ?? 256) * MEBIBYTE, 'body');
  const decodedLength = payload.length;
  const crc = digestsOf(['crc64nvme'], payload).crc64nvme ?? '';
  const checksum = Buffer.from(crc, 'hex').toString('base64');
  const sizes = (size: number) => Array.from({ length: payload.length / size }, () => size);
  const decoded = { 'x-amz-decoded-content-length': String(decodedLength) };
  const unsigned: PayloadMode = { kind: 'unsigned' };
  const cases: Case[] = [
    {
      name: '4 KiB, MD5',
      payload: unsigned,
      encoded: payload.subarray(0, 4096),
      decodedLength: 4096,
      headers: {},
      rounds: 10_000,
    },
    {
      name: 'received and dropped',
      payload: unsigned,
      encoded: payload,
      decodedLength,
      headers: {},
      rounds: 4,
      discarded: true,
    },
    { name: 'MD5', payload: unsigned, encoded: payload, decodedLength, headers: {}, rounds: 4 },
    {
      name: 'MD5, SHA-256 of the payload',
      payload: { kind: 'signed', sha256Hex: digestsOf(['sha256'], payload).sha256 ?? '' },
      encoded: payload,
      decodedLength,
      headers: {},
      rounds: 4,
    },
    {
      name: 'MD5, crc64nvme',
      payload: unsigned,
      encoded: payload,
      decodedLength,
      headers: { 'x-amz-checksum-crc64nvme': checksum },
      rounds: 4,
    },
    {
      name: 'MD5, chunks of 64 KiB signed',
      payload: signedChunksMode(false),
      encoded: awsChunked(payload, { sizes: sizes(65_536), seed: SEED }),
      decodedLength,
      headers: decoded,
      rounds: 4,
    },
    {
      name: 'MD5, crc64nvme in a trailer',
      payload: { kind: 'unsigned-chunks' },
      encoded: awsChunked(payload, {
        sizes: sizes(MEBIBYTE),
        trailer: ['x-amz-checksum-crc64nvme', checksum],
      }),
      decodedLength,
      headers: { ...decoded, 'x-amz-trailer': 'x-amz-checksum-crc64nvme' },
      rounds: 4,
    },
  ];
  for (const one of cases) await measure(one);
}

await (isMainThread ? run() : send(workerData as Sending));
