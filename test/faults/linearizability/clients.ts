/** Clients that read, write, write on conditions, complete uploads and list a few keys at the same time, and record all of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Randomness } from '#common/io/randomness.ts';
import type { Action, Operation, Value } from '../../simulator/operation.ts';
import type { Answer, Sent, StoreClient } from '../processes/store-client.ts';
import type { Recorder } from './recorder.ts';
import type { NewValue, Values } from './values.ts';

export const BUCKET = 'linear';
/** Keys come into use and go out of it, so that no history grows beyond what can be checked. */
const EPOCH_MS = 1500;
const KEYS_OF_EPOCH = 3;
/** A key with more open writes than this is left alone: each doubles what the checker has to think of. */
const OPEN_WRITES_MAX = 6;
const CALM_MS_MAX = 60_000;
const FAILED_PAUSE_MS = 20;

export interface ClientsOptions {
  readonly store: StoreClient;
  readonly endpoints: readonly string[];
  readonly recorder: Recorder;
  readonly values: Values;
  readonly random: Randomness;
}

export class Clients {
  readonly #options: ClientsOptions;
  readonly #startedMs = performance.now();
  readonly #lastSeen = new Map<string, Value>();
  #stopped = false;
  readonly #running: Promise<void>[];

  constructor(options: ClientsOptions, count: number) {
    this.#options = options;
    this.#running = Array.from({ length: count }, (_, client) => this.#run(client));
    for (const running of this.#running) running.catch(() => undefined);
  }

  /** Resolves when every request has ended. Throws when something was read that nobody wrote. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  /** Reads every key at every endpoint, and lists them all: in the calm each must be answered. */
  async lookAtAll(): Promise<void> {
    const epochs = new Set(
      [...this.#options.recorder.operations.keys()].map((key) => key.split('-')[0] ?? ''),
    );
    for (const [index, endpoint] of this.#options.endpoints.entries()) {
      for (const epoch of epochs) {
        const looks = namesOf(epoch).map((key) => () => this.#read(`last ${index}`, endpoint, key));
        const all = [...looks, () => this.#list(`last ${index}`, endpoint, epoch)];
        const answers = await Promise.all(all.map((look) => answeredInTime(look)));
        if (answers.includes(false)) throw new Error(`not live: in the calm ${endpoint} did not answer`);
      }
    }
  }

  async #run(client: number): Promise<void> {
    const { endpoints, random } = this.#options;
    const name = `client ${client}`;
    const endpoint = endpoints[client % endpoints.length] as string;
    while (!this.#stopped) {
      const now = Math.floor((performance.now() - this.#startedMs) / EPOCH_MS);
      const epoch = `e${Math.max(0, random.below(5) === 0 ? now - 1 : now)}`;
      const key = namesOf(epoch)[random.below(KEYS_OF_EPOCH)] as string;
      const done = await this.#step(name, endpoint, epoch, key);
      if (!done) await sleep(FAILED_PAUSE_MS);
    }
  }

  /** Whether it was answered. */
  #step(client: string, endpoint: string, epoch: string, key: string): Promise<boolean> {
    const { random, recorder } = this.#options;
    const choice = random.below(100);
    if (choice < 40 || recorder.openWrites(key) > OPEN_WRITES_MAX) return this.#read(client, endpoint, key);
    if (choice < 48) return this.#list(client, endpoint, epoch);
    if (choice < 56) return this.#remove(client, endpoint, key);
    if (choice < 62) return this.#complete(client, endpoint, key);
    const value = this.#options.values.make(random.below(10) === 0 ? 90_000 : random.below(500) + 1, false);
    if (choice < 78) return this.#put(client, endpoint, key, value);
    const expected = this.#lastSeen.get(key);
    if (choice < 88 || expected === undefined) return this.#putIfAbsent(client, endpoint, key, value);
    return this.#putIfEqual(client, endpoint, key, value, expected);
  }

  async #read(client: string, endpoint: string, key: string): Promise<boolean> {
    const { recorder, values } = this.#options;
    const operation = recorder.begin(client, key, { type: 'read' });
    const answer = await this.#send(operation, endpoint, 'GET', `/${key}`);
    if (answer === undefined) return false;
    const found = answer.status === 404 ? undefined : values.ofBody(etagOf(answer), answer.body);
    this.#lastSeen.set(key, found);
    recorder.end(operation, { found, applied: false });
    return true;
  }

  /** A listing is a read of every name of the epoch, at some moment while it ran. */
  async #list(client: string, endpoint: string, epoch: string): Promise<boolean> {
    const { recorder, values } = this.#options;
    const names = namesOf(epoch);
    const reads = names.map((key) => recorder.begin(`${client} lists`, key, { type: 'read' }));
    const answer = await this.#send(reads[0], endpoint, 'GET', `?list-type=2&prefix=${epoch}-`);
    if (answer === undefined) return false;
    const listed = new Map<string, string>();
    for (const [, entry = ''] of answer.body.toString().matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
      const key = /<Key>(.*?)<\/Key>/.exec(entry)?.[1] ?? '';
      const etag = /<ETag>(?:"|&quot;|&#34;)?([0-9a-f-]+)/.exec(entry)?.[1] ?? '';
      if (!names.includes(key) || listed.has(key)) throw new Error(`a listing shows ${key}, a ghost`);
      listed.set(key, values.ofEtag(etag));
    }
    for (const read of reads) recorder.end(read, { found: listed.get(read.key), applied: false });
    return true;
  }

  async #remove(client: string, endpoint: string, key: string): Promise<boolean> {
    const operation = this.#options.recorder.begin(client, key, { type: 'remove' });
    return this.#change(operation, endpoint, 'DELETE', `/${key}`, {});
  }

  async #put(client: string, endpoint: string, key: string, { value, body }: NewValue): Promise<boolean> {
    const operation = this.#options.recorder.begin(client, key, { type: 'put', value });
    return this.#change(operation, endpoint, 'PUT', `/${key}`, { body });
  }

  async #putIfAbsent(
    client: string,
    endpoint: string,
    key: string,
    { value, body }: NewValue,
  ): Promise<boolean> {
    const operation = this.#options.recorder.begin(client, key, { type: 'putIfAbsent', value });
    return this.#change(operation, endpoint, 'PUT', `/${key}`, { body, headers: { 'If-None-Match': '*' } });
  }

  async #putIfEqual(
    client: string,
    endpoint: string,
    key: string,
    { value, body }: NewValue,
    expected: string,
  ): Promise<boolean> {
    const { recorder, values } = this.#options;
    const operation = recorder.begin(client, key, { type: 'putIfEqual', value, expected });
    const headers = { 'If-Match': `"${values.etagOf(expected)}"` };
    return this.#change(operation, endpoint, 'PUT', `/${key}`, { body, headers });
  }

  /** An upload of one part; its completion is the write, and may be asked for twice. */
  async #complete(client: string, endpoint: string, key: string): Promise<boolean> {
    const { recorder, values, random } = this.#options;
    const { value, body } = values.make(random.below(100_000) + 1, true);
    const begun = await this.#send(undefined, endpoint, 'POST', `/${key}?uploads=`);
    const upload = /<UploadId>([^<]+)</.exec(begun?.body.toString() ?? '')?.[1];
    if (upload === undefined) return false;
    const part = await this.#send(undefined, endpoint, 'PUT', `/${key}?partNumber=1&uploadId=${upload}`, {
      body,
    });
    if (part === undefined) return false;
    const list = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${String(part.headers.etag)}</ETag></Part></CompleteMultipartUpload>`;
    const operation = recorder.begin(client, key, { type: 'put', value });
    const complete = { body: Buffer.from(list) };
    if (await this.#change(operation, endpoint, 'POST', `/${key}?uploadId=${upload}`, complete)) return true;
    return this.#change(operation, endpoint, 'POST', `/${key}?uploadId=${upload}`, complete);
  }

  async #change(
    operation: Operation,
    endpoint: string,
    method: string,
    path: string,
    sent: Sent,
  ): Promise<boolean> {
    const answer = await this.#send(operation, endpoint, method, path, sent);
    if (answer === undefined) return false;
    const { recorder } = this.#options;
    const { action } = operation;
    if (answer.status === 412 && isConditional(action)) {
      recorder.end(operation, { found: undefined, applied: false, isBlind: true });
    } else if (answer.status === 404 && action.type === 'putIfEqual') {
      recorder.end(operation, { found: undefined, applied: false });
    } else if (answer.status === 200 || answer.status === 204) {
      recorder.end(operation, appliedOutcome(action));
      this.#lastSeen.set(operation.key, 'value' in action ? action.value : undefined);
    } else {
      recorder.lose(operation, `${answer.status}`);
      return false;
    }
    return true;
  }

  /** Undefined when no answer came that says anything of what was done. */
  async #send(
    operation: Operation | undefined,
    endpoint: string,
    method: string,
    path: string,
    sent: Sent = {},
  ): Promise<Answer | undefined> {
    try {
      const answer = await this.#options.store.s3(endpoint, method, `/${BUCKET}${path}`, sent);
      const isLate = method === 'POST' && answer.body.includes('<Error>');
      if (answer.status < 500 && !(answer.status === 200 && isLate)) return answer;
      if (operation !== undefined) this.#options.recorder.lose(operation, `${answer.status}`);
    } catch (error) {
      if (operation !== undefined) this.#options.recorder.lose(operation, String(error));
    }
    return undefined;
  }
}

function namesOf(epoch: string): string[] {
  return Array.from({ length: KEYS_OF_EPOCH }, (_, number) => `${epoch}-k${number}`);
}

function etagOf({ status, headers }: Answer): string {
  if (status !== 200) throw new Error(`a read was answered ${status}`);
  return (headers.etag ?? '').replaceAll('"', '');
}

function isConditional({ type }: Action): boolean {
  return type === 'putIfAbsent' || type === 'putIfEqual';
}

/** An answer of success tells of a conditional write what it found; of another, nothing. */
function appliedOutcome(action: Action): NonNullable<Operation['outcome']> {
  if (action.type === 'putIfEqual') return { found: action.expected, applied: true };
  if (action.type === 'putIfAbsent') return { found: undefined, applied: true };
  return { found: undefined, applied: true, isBlind: true };
}

/** One that is refused, or breaks, is asked again, each time as an operation of its own. */
async function answeredInTime(look: () => Promise<boolean>): Promise<boolean> {
  const deadlineMs = performance.now() + CALM_MS_MAX;
  for (;;) {
    if (await look()) return true;
    if (performance.now() > deadlineMs) return false;
    await sleep(FAILED_PAUSE_MS);
  }
}
