/** The thread of a digest pool: computes digests of bytes that lie in shared memory. */
import { parentPort, workerData } from 'node:worker_threads';
import type { DigestReply, DigestRequest } from './digest-messages.ts';
import { Digester } from './digester.ts';

const NO_HASHES: readonly string[] = [];

function serve(memory: SharedArrayBuffer, reply: (message: DigestReply) => void) {
  const streams = new Map<number, Digester>();
  return (request: DigestRequest): void => {
    const { kind, stream } = request;
    if (kind === 'open') {
      streams.set(stream, new Digester(request.algorithms));
      return;
    }
    const digester = streams.get(stream);
    if (digester === undefined) return;
    if (kind === 'update') {
      const bytes = Buffer.from(memory, request.offset, request.length);
      digester.update(bytes);
      const { chunkEnds } = request;
      const chunkHashes = chunkEnds === undefined ? NO_HASHES : digester.chunkHashes(bytes, chunkEnds);
      reply({ kind: 'updated', stream, chunkHashes });
      return;
    }
    streams.delete(stream);
    if (kind === 'finish') reply({ kind: 'finished', stream, values: digester.digest() });
  };
}

const data: unknown = workerData;
if (parentPort === null || !(data instanceof SharedArrayBuffer)) {
  throw new Error('this file runs as a worker of a digest pool');
}
const port = parentPort;
port.on(
  'message',
  serve(data, (message) => port.postMessage(message)),
);
