/** The thread of a digest pool: computes digests of bytes that lie in shared memory. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { DigestReply, DigestRequest, DigestWorkerData } from './digest-messages.ts';
import { Digester } from './digester.ts';
import { Md5Lanes, type Md5Stream } from './md5-lanes.ts';

const NO_HASHES: readonly string[] = [];

interface Stream {
  /** All but MD5, which goes on with several streams at once. */
  readonly digester: Digester;
  readonly md5: Md5Stream | undefined;
  finishing: boolean;
}

class DigestServer {
  readonly #memory: SharedArrayBuffer;
  readonly #lanes: Md5Lanes;
  readonly #reply: (message: DigestReply) => void;
  readonly #streams = new Map<number, Stream>();

  constructor({ memory, scratchAt }: DigestWorkerData, reply: (message: DigestReply) => void) {
    this.#memory = memory.buffer;
    this.#lanes = new Md5Lanes(memory, scratchAt);
    this.#reply = reply;
  }

  take(request: DigestRequest): void {
    if (request.kind === 'open') {
      const apart = request.algorithms.filter((algorithm) => algorithm !== 'md5');
      const md5 = apart.length < request.algorithms.length ? this.#lanes.open() : undefined;
      this.#streams.set(request.stream, { digester: new Digester(apart), md5, finishing: false });
      return;
    }
    const stream = this.#streams.get(request.stream);
    if (stream === undefined) return;
    if (request.kind === 'update') this.#update(stream, request);
    else if (request.kind === 'drop') this.#streams.delete(request.stream);
    else if (stream.md5?.hasWork === true) stream.finishing = true;
    else this.#finish(request.stream, stream);
  }

  /** Goes on with MD5; false when there is nothing to do. */
  advance(): boolean {
    return this.#lanes.advance();
  }

  #update({ digester, md5 }: Stream, request: DigestRequest & { readonly kind: 'update' }): void {
    const { stream, offset, length, chunkEnds } = request;
    const bytes = Buffer.from(this.#memory, offset, length);
    digester.update(bytes);
    const chunkHashes = chunkEnds === undefined ? NO_HASHES : digester.chunkHashes(bytes, chunkEnds);
    const updated = (): void => {
      this.#reply({ kind: 'updated', stream, chunkHashes });
      const open = this.#streams.get(stream);
      if (open?.finishing === true && !open.md5?.hasWork) this.#finish(stream, open);
    };
    if (md5 === undefined) updated();
    else md5.update(offset, length, updated);
  }

  #finish(stream: number, { digester, md5 }: Stream): void {
    this.#streams.delete(stream);
    const values = digester.digest();
    this.#reply({
      kind: 'finished',
      stream,
      values: md5 === undefined ? values : { md5: md5.digest(), ...values },
    });
  }
}

if (parentPort === null) throw new Error('this file runs as a worker of a digest pool');
const port = parentPort;
const server = new DigestServer(workerData as DigestWorkerData, (message) => port.postMessage(message));
port.on('message', (first: DigestRequest) => {
  server.take(first);
  // Whatever has come meanwhile is taken in before the next step: more streams side by side cost less.
  do {
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
      server.take(next.message as DigestRequest);
    }
  } while (server.advance());
});
