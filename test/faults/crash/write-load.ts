/** Clients that write, replace and remove objects through both doors until they are told to stop, and note every answer. */
import type { Randomness } from '#common/io/randomness.ts';
import type { Answer, StoreClient } from '../processes/store-client.ts';
import { type Value, contentOf, etagOfOnePart, md5 } from './content.ts';
import type { KnownKey, KnownKeys } from './known-keys.ts';

export const BUCKET = 'crash';
const WORKERS = 12;

export interface LoadFigures {
  answered: number;
  refused: number;
  /** Nobody knows what became of them. */
  open: number;
}

export interface LoadOptions {
  readonly client: StoreClient;
  readonly endpoints: readonly string[];
  readonly known: KnownKeys;
  readonly random: Randomness;
  readonly figures: LoadFigures;
}

export class WriteLoad {
  readonly #options: LoadOptions;
  readonly #workers: Promise<void>[];
  #stopped = false;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#workers = Array.from({ length: WORKERS }, (_, worker) => this.#work(worker));
    // What a worker throws is thrown by `stop`.
    for (const worker of this.#workers) worker.catch(() => undefined);
  }

  /** Resolves when every request has ended. Throws what no crash excuses. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#workers);
  }

  async #work(worker: number): Promise<void> {
    const { known, random } = this.#options;
    const own = known.keys.filter((_, number) => number % WORKERS === worker);
    while (!this.#stopped) {
      const key = own[random.below(own.length)] as KnownKey;
      // What became of its last request must be seen first.
      if (key.open.length > 0) {
        if (own.every(({ open }) => open.length > 0)) return;
        continue;
      }
      await this.#step(key);
    }
  }

  async #step(key: KnownKey): Promise<void> {
    const { random } = this.#options;
    const choice = random.below(100);
    if (choice < 45) return this.#put(key, random.below(4000));
    if (choice < 53) return this.#put(key, 60_000 + random.below(300_000));
    if (choice < 68) return this.#remove(key);
    if (choice < 78) return this.#putIf(key);
    if (choice < 84) return this.#putInParts(key);
    if (choice < 90) return this.#putBySwift(key, random.below(100_000));
    if (choice < 94) return this.#removeBySwift(key);
    return this.#look(key);
  }

  get #endpoint(): string {
    const { endpoints, random } = this.#options;
    return endpoints[random.below(endpoints.length)] as string;
  }

  #value(key: KnownKey, bytes: number): { readonly value: Value; readonly body: Buffer } {
    const version = this.#options.known.nextVersion();
    const body = contentOf(key.name, version, bytes);
    return { value: { version, bytes, etag: md5(body) }, body };
  }

  async #put(key: KnownKey, bytes: number): Promise<void> {
    const { value, body } = this.#value(key, bytes);
    await this.#write(key, value, [200], () => this.#s3('PUT', key, '', { body }));
  }

  /** On a condition that holds, or on one that does not. */
  async #putIf(key: KnownKey): Promise<void> {
    const { value, body } = this.#value(key, this.#options.random.below(2000));
    const { settled } = key;
    const onAbsence = this.#options.random.below(2) === 0;
    const headers = onAbsence ? { 'If-None-Match': '*' } : { 'If-Match': `"${settled?.etag ?? md5(body)}"` };
    const holds = onAbsence === (settled === undefined);
    const send = () => this.#s3('PUT', key, '', { body, headers });
    if (holds) return this.#write(key, value, [200], send);
    const answer = await send().catch(() => undefined);
    if (answer === undefined || answer.status >= 500) {
      this.#options.figures.open += 1;
      return;
    }
    const expected = onAbsence || settled !== undefined ? 412 : 404;
    if (answer.status !== expected) throw unexpected(`a put of ${key.name} whose condition fails`, answer);
    this.#options.figures.refused += 1;
  }

  async #putInParts(key: KnownKey): Promise<void> {
    const version = this.#options.known.nextVersion();
    const bytes = 1 + this.#options.random.below(200_000);
    const body = contentOf(key.name, version, bytes);
    const value = { version, bytes, etag: etagOfOnePart(body) };
    const begun = await this.#s3('POST', key, '?uploads=').catch(() => undefined);
    const upload = /<UploadId>([^<]+)</.exec(begun?.body.toString() ?? '')?.[1];
    if (upload === undefined) return;
    const part = await this.#s3('PUT', key, `?partNumber=1&uploadId=${upload}`, { body }).catch(
      () => undefined,
    );
    if (part?.status !== 200) return;
    const list = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${String(part.headers.etag)}</ETag></Part></CompleteMultipartUpload>`;
    const complete = () => this.#s3('POST', key, `?uploadId=${upload}`, { body: Buffer.from(list) });
    await this.#write(key, value, [200], complete);
  }

  async #putBySwift(key: KnownKey, bytes: number): Promise<void> {
    const { value, body } = this.#value(key, bytes);
    await this.#write(key, value, [201], () => this.#swift('PUT', key, body));
  }

  async #remove(key: KnownKey): Promise<void> {
    await this.#write(key, undefined, [204], () => this.#s3('DELETE', key));
  }

  async #removeBySwift(key: KnownKey): Promise<void> {
    await this.#write(key, undefined, [key.settled === undefined ? 404 : 204], () =>
      this.#swift('DELETE', key),
    );
  }

  async #look(key: KnownKey): Promise<void> {
    const { settled } = key;
    const answer = await this.#s3('GET', key).catch(() => undefined);
    if (answer === undefined || answer.status >= 500) return;
    if (!isValue(key, settled, answer)) throw unexpected(`a read of ${key.name} amid the writes`, answer);
    this.#options.figures.answered += 1;
  }

  async #write(
    key: KnownKey,
    value: Value | undefined,
    good: readonly number[],
    send: () => Promise<Answer>,
  ): Promise<void> {
    key.open = [value];
    const answer = await send().catch(() => undefined);
    // S3 may begin an answer to a completion before it knows how it ends.
    const failedLate = answer?.body.includes('<Error>') === true;
    if (answer === undefined || answer.status >= 500 || (answer.status === 200 && failedLate)) {
      this.#options.figures.open += 1;
      return;
    }
    if (!good.includes(answer.status)) throw unexpected(`a write to ${key.name}`, answer);
    key.settled = value;
    key.open = [];
    this.#options.figures.answered += 1;
  }

  #s3(method: string, key: KnownKey, query = '', sent = {}): Promise<Answer> {
    return this.#options.client.s3(this.#endpoint, method, `/${BUCKET}/${key.name}${query}`, sent);
  }

  #swift(method: string, key: KnownKey, body?: Buffer): Promise<Answer> {
    const sent = body === undefined ? {} : { body };
    return this.#options.client.swift(this.#endpoint, method, `/${BUCKET}/${key.name}`, sent);
  }
}

/** Whether the answer to a GET shows the value, byte for byte. */
export function isValue(key: KnownKey, value: Value | undefined, answer: Answer): boolean {
  if (value === undefined) return answer.status === 404;
  if (answer.status !== 200 || answer.headers.etag !== `"${value.etag}"`) return false;
  return answer.body.equals(contentOf(key.name, value.version, value.bytes));
}

export function unexpected(what: string, { status, headers, body }: Answer): Error {
  const shown = body.subarray(0, 300).toString('latin1');
  return new Error(
    `${what}: ${status}, ${body.length} bytes, ETag ${headers.etag ?? 'none'}, ${JSON.stringify(shown)}`,
  );
}
