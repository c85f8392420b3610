/**
 * One client of the store: the operations that are measured, each on this client's own connection. A method resolves
 * to the body bytes it moved and throws OperationFailure; `startedAtMs` and `finishedAtMs` then tell when the request
 * was handed to the socket and when the answer had wholly arrived: signing before it and checking after it are the
 * generator's own work, and are left out.
 */
import { BLOCK_BYTES, type ContentKey, type ContentSource } from './content.ts';
import type { ContentChecker } from './content-checker.ts';
import { contentDigest } from './content-digest.ts';
import type { HttpConnection, OutgoingBody } from './http-client.ts';
import { BucketWalk } from './list-objects.ts';
import { MultipartUpload } from './multipart-upload.ts';
import type { ObjectSet } from './object-set.ts';
import { OperationFailure } from './operation-failure.ts';
import type { RandomSequence } from './random-sequence.ts';
import type { RequestFactory, RequestParts } from './request-factory.ts';
import { requireStatus, ResponseBody } from './response-body.ts';
import { headerValue, type ResponseHead } from './response-reader.ts';

export interface StoreClientSettings {
  readonly sizeBytes: number;
  readonly rangeBytes: number | undefined;
  readonly multipartBytes: number | undefined;
  readonly signedPayload: boolean;
  /** Whether ETags are MD5 sums that may be checked. */
  readonly etagsAreMd5: boolean;
  /** Of the PUTs whose ETag is checked, 0 … 1. */
  readonly etagFraction: number;
}

export interface StoreClientParts {
  readonly connection: HttpConnection;
  readonly factory: RequestFactory;
  readonly source: ContentSource;
  readonly checker: ContentChecker;
  readonly random: RandomSequence;
  readonly objects: ObjectSet;
}

/** Generates a part of an object where the connection wants it, and counts what that took. */
class ContentBody implements OutgoingBody {
  readonly #source: ContentSource;
  #key: ContentKey = { family: 0, index: 0 };
  #start = 0;
  lengthBytes = 0;
  spentMs = 0;

  constructor(source: ContentSource) {
    this.#source = source;
  }

  of(key: ContentKey, start: number, lengthBytes: number): this {
    this.#key = key;
    this.#start = start;
    this.lengthBytes = lengthBytes;
    return this;
  }

  fill(into: Int32Array, intoWord: number, position: number, lengthBytes: number): void {
    const startedAt = performance.now();
    this.#source.generate(into, intoWord, this.#key, this.#start + position, lengthBytes);
    this.spentMs += performance.now() - startedAt;
  }
}

export class StoreClient {
  readonly connection: HttpConnection;
  readonly checker: ContentChecker;
  startedAtMs = 0;
  finishedAtMs = 0;
  /** Names that the last `list` returned. */
  keysListed = 0;
  readonly #settings: StoreClientSettings;
  readonly #factory: RequestFactory;
  readonly #source: ContentSource;
  readonly #random: RandomSequence;
  readonly #objects: ObjectSet;
  readonly #body: ContentBody;
  readonly #response: ResponseBody;
  readonly #walk: BucketWalk;

  constructor(settings: StoreClientSettings, parts: StoreClientParts) {
    this.#settings = settings;
    this.connection = parts.connection;
    this.checker = parts.checker;
    this.#factory = parts.factory;
    this.#source = parts.source;
    this.#random = parts.random;
    this.#objects = parts.objects;
    this.#body = new ContentBody(parts.source);
    this.#response = new ResponseBody(parts.checker);
    this.#walk = new BucketWalk(parts.objects);
  }

  /** Milliseconds spent in generating content since the start. */
  get generatingMs(): number {
    return this.#body.spentMs;
  }

  /** Begins a phase: a listing starts anew, because the phase before may have changed what there is to list. */
  beginPhase(): void {
    this.#walk.restart();
  }

  async put(index: number): Promise<number> {
    const { sizeBytes, multipartBytes } = this.#settings;
    if (multipartBytes !== undefined && sizeBytes > multipartBytes)
      return await this.#putParts(index, multipartBytes);
    const name = this.#objects.name(index);
    const response = await this.#sendContent({ method: 'PUT', name }, index, 0, sizeBytes, true);
    requireStatus(response, this.#response, 200, 201, 204);
    await this.#checkEtag(response, index);
    return sizeBytes;
  }

  async get(index: number): Promise<number> {
    const { sizeBytes, rangeBytes } = this.#settings;
    const ranged = rangeBytes !== undefined && rangeBytes < sizeBytes;
    const start = ranged ? this.#random.below(sizeBytes - rangeBytes + 1) : 0;
    const end = ranged ? start + rangeBytes : sizeBytes;
    this.checker.begin(this.#objects.contentKey(index), start, end);
    this.#response.check();
    const extraLines = ranged ? `Range: bytes=${start}-${end - 1}\r\n` : '';
    const response = await this.#timed({ method: 'GET', name: this.#objects.name(index), extraLines });
    requireStatus(response, this.#response, ranged ? 206 : 200);
    const wrong = this.checker.verdict();
    if (wrong !== undefined)
      throw new OperationFailure('data-corrupt', wrong.kind, `${this.#objects.name(index)}: ${wrong.detail}`);
    return end - start;
  }

  async head(index: number): Promise<number> {
    this.#response.discard();
    const response = await this.#timed({ method: 'HEAD', name: this.#objects.name(index) });
    requireStatus(response, this.#response, 200);
    const length = response.contentLength;
    if (length !== undefined && length !== this.#settings.sizeBytes)
      throw new OperationFailure('data-corrupt', 'length-mismatch', `HEAD announces ${length} bytes`);
    return 0;
  }

  async delete(index: number): Promise<number> {
    this.#response.discard();
    const response = await this.#timed({ method: 'DELETE', name: this.#objects.name(index) });
    requireStatus(response, this.#response, 200, 202, 204);
    return 0;
  }

  /** One page of the worker's objects; the next call goes on behind it, and from the beginning behind the last. */
  async list(): Promise<number> {
    this.keysListed = 0;
    this.#response.collect();
    const response = await this.#timed({ method: 'GET', name: '', query: this.#walk.query() });
    requireStatus(response, this.#response, 200);
    this.keysListed = this.#walk.page(this.#response.text());
    return 0;
  }

  async #timed(parts: RequestParts): Promise<ResponseHead> {
    const head = this.#factory.head(parts);
    const responseWithoutBody = parts.method === 'HEAD';
    this.startedAtMs = performance.now();
    try {
      return await this.connection.exchange({ head, responseWithoutBody, receiver: this.#response });
    } finally {
      this.finishedAtMs = performance.now();
    }
  }

  /** @param first whether the operation's time begins with this request. */
  async #sendContent(
    parts: RequestParts,
    index: number,
    start: number,
    lengthBytes: number,
    first: boolean,
  ): Promise<ResponseHead> {
    const key = this.#objects.contentKey(index);
    const payloadHash = this.#settings.signedPayload
      ? { payloadHash: await contentDigest('sha256', this.#source, key, start, lengthBytes) }
      : {};
    const head = this.#factory.head({ ...parts, contentLength: lengthBytes, ...payloadHash });
    this.#response.discard();
    const body = this.#body.of(key, start, lengthBytes);
    if (first) this.startedAtMs = performance.now();
    try {
      return await this.connection.exchange({ head, body, receiver: this.#response });
    } finally {
      this.finishedAtMs = performance.now();
    }
  }

  async #putParts(index: number, partBytes: number): Promise<number> {
    const { sizeBytes } = this.#settings;
    const name = this.#objects.name(index);
    const upload = new MultipartUpload(this.connection, this.#factory, this.#response, name);
    this.startedAtMs = performance.now();
    try {
      await upload.start();
      for (let start = 0; start < sizeBytes; start += partBytes) {
        const length = Math.min(partBytes, sizeBytes - start);
        const parts = { method: 'PUT', name, query: upload.nextPartQuery() };
        upload.partStored(await this.#sendContent(parts, index, start, length, false));
      }
      await upload.complete();
    } catch (error) {
      await upload.abort();
      throw error;
    } finally {
      this.finishedAtMs = performance.now();
    }
    return sizeBytes;
  }

  async #checkEtag(response: ResponseHead, index: number): Promise<void> {
    const { etagsAreMd5, etagFraction, sizeBytes } = this.#settings;
    if (!etagsAreMd5 || etagFraction === 0) return;
    if (etagFraction < 1 && this.#random.fraction() >= etagFraction) return;
    const etag = headerValue(response, 'etag')?.replaceAll('"', '').toLowerCase();
    // An ETag of another shape (of a multipart or an encrypted object) says nothing of the content.
    if (etag === undefined || !/^[0-9a-f]{32}$/.test(etag)) return;
    const key = this.#objects.contentKey(index);
    const expected = await contentDigest('md5', this.#source, key, 0, sizeBytes);
    if (etag !== expected)
      throw new OperationFailure(
        'data-corrupt',
        'etag-mismatch',
        `the ETag is ${etag}, the MD5 sum ${expected}`,
      );
  }
}

/** Parts of a multipart upload begin at multiples of it. */
export const PART_ALIGNMENT_BYTES = BLOCK_BYTES;
