/** The thread of a digest pool: computes digests of bytes that lie in shared memory. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { TransientMap } from '#common/transients.ts';
import type { DigestReply, DigestRequest, DigestWorkerData } from './digest-messages.ts';
import { Digester } from './digester.ts';
import { Md5Lanes, type Md5Stream } from './md5-lanes.ts';
import { LANES } from './md5-module.ts';

const NO_HASHES: readonly string[] = [];
/** Longer finds more company, but then more buffers are under way than a cache holds. */
const COMPANY_MS = 1;
/** After so many in vain one piece in 2^6 is put off. */
const VAIN_WAITS_MAX = 6;

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
  readonly #streams = new TransientMap<number, Stream>();
  #openMd5 = 0;

  constructor({ memory, scratchAt }: DigestWorkerData, reply: (message: DigestReply) => void) {
    this.#memory = memory.buffer;
    this.#lanes = new Md5Lanes(memory, scratchAt);
    this.#reply = reply;
  }

  take(request: DigestRequest): void {
    if (request.kind === 'open') {
      const apart = request.algorithms.filter((algorithm) => algorithm !== 'md5');
      const md5 = apart.length < request.algorithms.length ? this.#lanes.open() : undefined;
      if (md5 !== undefined) this.#openMd5 += 1;
      this.#streams.set(request.stream, { digester: new Digester(apart), md5, finishing: false });
      return;
    }
    const stream = this.#streams.get(request.stream);
    if (stream === undefined) return;
    if (request.kind === 'update') this.#update(stream, request);
    else if (stream.finishing) return;
    else if (request.kind === 'drop') this.#forget(request.stream, stream);
    else if (stream.md5?.hasWork === true) stream.finishing = true;
    else this.#finish(request.stream, stream);
  }

  /** Bodies with bytes that MD5 has not taken in. */
  get waiting(): number {
    return this.#lanes.waiting;
  }

  /** Bodies that have MD5. */
  get openMd5(): number {
    return this.#openMd5;
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

  #forget(number: number, { md5 }: Stream): void {
    this.#streams.delete(number);
    if (md5 !== undefined) this.#openMd5 -= 1;
  }

  #finish(number: number, stream: Stream): void {
    this.#forget(number, stream);
    const { digester, md5 } = stream;
    const values = digester.digest();
    this.#reply({
      kind: 'finished',
      stream: number,
      values: md5 === undefined ? values : { md5: md5.digest(), ...values },
    });
  }
}

/**
 * When to begin: a piece waits a moment for those of other bodies, as long as there are others and some have come in such moments. Several
 * at once cost little more than one, and what a body waits it has other buffers to be filled meanwhile.
 */
class Company {
  readonly #server: DigestServer;
  #timer: NodeJS.Timeout | undefined;
  #vainWaits = 0;
  /** Beginnings that will not be put off. */
  #hurried = 0;

  constructor(server: DigestServer) {
    this.#server = server;
  }

  /** Calls `begin` now or some COMPANY_MS later. */
  await(begin: () => void): void {
    const { waiting, openMd5 } = this.#server;
    if (waiting === 0) return;
    const isComplete = waiting >= Math.min(LANES, openMd5);
    if (!isComplete && this.#hurried === 0) {
      this.#timer ??= setTimeout(() => this.#waited(waiting, begin), COMPANY_MS);
      return;
    }
    if (this.#timer === undefined) this.#hurried = Math.max(0, this.#hurried - 1);
    else this.#vainWaits = 0;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    begin();
  }

  #waited(before: number, begin: () => void): void {
    this.#timer = undefined;
    if (this.#server.waiting > before) this.#vainWaits = 0;
    else this.#vainWaits = Math.min(this.#vainWaits + 1, VAIN_WAITS_MAX);
    this.#hurried = 2 ** this.#vainWaits - 1;
    begin();
  }
}

if (parentPort === null) throw new Error('this file runs as a worker of a digest pool');
const port = parentPort;
const server = new DigestServer(workerData as DigestWorkerData, (message) => port.postMessage(message));
const company = new Company(server);

/** Whatever has come meanwhile, too. */
function takeAll(): void {
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    server.take(next.message as DigestRequest);
  }
}

function work(): void {
  while (server.advance()) takeAll();
}

port.on('message', (first: DigestRequest) => {
  server.take(first);
  takeAll();
  company.await(work);
});
