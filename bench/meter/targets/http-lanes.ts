/** Keep-alive connections to one server, as many as are in use at once, each with what its reads are compared by. */
import type { ContentKey } from '../../load/content.ts';
import { type Endpoint, HttpConnection, type OutgoingBody } from '../../load/http-client.ts';
import { type OperationFailure, stopped } from '../../load/operation-failure.ts';
import type { BodyReceiver, ResponseHead } from '../../load/response-reader.ts';
import type { ContentRange } from './content-range.ts';

const LARGE_BYTES = 2 ** 20;
const ERROR_BYTES_MAX = 8 * 1024;
const TEXT_BYTES_MAX = 4 * 2 ** 20;
const PROGRESS_CHECK_PERIOD_MS = 500;

/** Takes a body and compares it, or keeps it as text; an error's body is always kept. */
export class LaneReceiver implements BodyReceiver {
  readonly #content: ContentRange;
  #expected: { readonly key: ContentKey | undefined; readonly from: number } | undefined;
  #comparing = false;
  #pieces: Buffer[] = [];
  #keptBytes = 0;
  #bytesMax = TEXT_BYTES_MAX;
  receivedBytes = 0;
  mismatchAt = -1;

  constructor(content: ContentRange) {
    this.#content = content;
  }

  /** @param key whose content must come, from byte `from` on; undefined for a body whose length alone counts. */
  compare(key: ContentKey | undefined, from: number): this {
    this.#reset();
    this.#expected = { key, from };
    return this;
  }

  keep(): this {
    this.#reset();
    this.#expected = undefined;
    return this;
  }

  begin(head: ResponseHead): void {
    this.#comparing = head.status < 300 && this.#expected !== undefined;
    this.#bytesMax = head.status < 300 ? TEXT_BYTES_MAX : ERROR_BYTES_MAX;
  }

  data(chunk: Buffer, from: number, to: number): void {
    const length = to - from;
    if (this.#comparing) this.#compare(chunk, from, length);
    else {
      const kept = Math.min(length, this.#bytesMax - this.#keptBytes);
      if (kept <= 0) return;
      this.#pieces.push(Buffer.from(chunk.subarray(from, from + kept)));
      this.#keptBytes += kept;
    }
  }

  text(): string {
    return Buffer.concat(this.#pieces).toString('utf8');
  }

  #compare(chunk: Buffer, from: number, length: number): void {
    const { key, from: start } = this.#expected ?? { key: undefined, from: 0 };
    if (key !== undefined && this.mismatchAt < 0)
      this.mismatchAt = this.#content.mismatch(chunk, from, key, start + this.receivedBytes, length);
    this.receivedBytes += length;
  }

  #reset(): void {
    this.#pieces = [];
    this.#keptBytes = 0;
    this.receivedBytes = 0;
    this.mismatchAt = -1;
  }
}

export interface HttpLane {
  readonly connection: HttpConnection;
  readonly receiver: LaneReceiver;
}

export class HttpLanes {
  readonly #endpoint: Endpoint;
  readonly #timeoutMs: number;
  readonly #content: ContentRange;
  readonly #lanesMax: number;
  readonly #all: HttpLane[] = [];
  readonly #free: HttpLane[] = [];
  readonly #waiting: { resolve(lane: HttpLane): void; reject(failure: OperationFailure): void }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(endpoint: Endpoint, timeoutMs: number, lanesMax: number, content: ContentRange) {
    this.#endpoint = endpoint;
    this.#timeoutMs = timeoutMs;
    this.#lanesMax = lanesMax;
    this.#content = content;
  }

  /** Lends a connection to `work`; waits when all are lent. */
  async use<Value>(work: (lane: HttpLane) => Promise<Value>): Promise<Value> {
    if (this.#closed) throw stopped();
    const lane = this.#free.pop() ?? this.#open() ?? (await this.#next());
    try {
      return await work(lane);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(lane);
      else next.resolve(lane);
    }
  }

  /** Fails what is under way and what waits for it: what the next run asks for has no place behind it. */
  breakOff(): void {
    for (const waiting of this.#waiting.splice(0)) waiting.reject(stopped());
    const free = new Set(this.#free);
    for (const lane of this.#all) if (!free.has(lane)) lane.connection.destroy();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const waiting of this.#waiting.splice(0)) waiting.reject(stopped());
    for (const { connection } of this.#all) connection.destroy();
  }

  #next(): Promise<HttpLane> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #open(): HttpLane | undefined {
    if (this.#all.length >= this.#lanesMax) return undefined;
    const lane: HttpLane = {
      connection: new HttpConnection(this.#endpoint, this.#timeoutMs, LARGE_BYTES),
      receiver: new LaneReceiver(this.#content),
    };
    this.#all.push(lane);
    this.#timer ??= setInterval(() => {
      const nowMs = performance.now();
      for (const { connection } of this.#all) connection.checkProgress(nowMs);
    }, PROGRESS_CHECK_PERIOD_MS).unref();
    return lane;
  }
}

/** Part of an object as the body of a request. */
export function contentBody(
  content: ContentRange,
  key: ContentKey,
  start: number,
  lengthBytes: number,
): OutgoingBody {
  return {
    lengthBytes,
    fill(into, intoWord, position, length) {
      const bytes = Buffer.from(into.buffer, into.byteOffset, into.byteLength);
      content.fill(bytes, intoWord * 4, key, start + position, length);
    },
  };
}
