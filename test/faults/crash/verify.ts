/** After a crash: every key holds what was answered last or asked for since, whole; listings, heads and counters say the same. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, StoreClient } from '../processes/store-client.ts';
import { type Value, contentOf, md5 } from './content.ts';
import type { KnownKey, KnownKeys } from './known-keys.ts';
import { BUCKET, isValue, unexpected } from './write-load.ts';

const AT_ONCE = 16;
const PAGE = 50;
/** A cluster that has just started may not have found a quorum yet. */
const ANSWERED_MS_MAX = 60_000;

export interface Store {
  readonly client: StoreClient;
  readonly endpoint: string;
}

/**
 * A request that a crash left without an answer may take effect at any time, as long as nothing has been written above it: a
 * replica alone may hold what it wrote. So what is seen must be what was answered or what was asked for; when it is still the former, a
 * write that is answered ends the doubt. Then all is exact.
 */
export async function verifyStore(store: Store, known: KnownKeys): Promise<void> {
  await each(known, (key) => verifyOpenKey(store, key));
  await each(known, (key) => closeKey(store, known, key));
  await each(known, (key) => verifyKey(store, key));
  await verifyListing(store, known);
  await verifyCounters(store, known);
}

async function each(known: KnownKeys, run: (key: KnownKey) => Promise<void>): Promise<void> {
  const waiting = [...known.keys];
  const work = async (): Promise<void> => {
    for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) await run(key);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/** What was asked for and is seen has happened: what was before it must not return. */
async function verifyOpenKey({ client, endpoint }: Store, key: KnownKey): Promise<void> {
  const got = await answered(() => client.s3(endpoint, 'GET', pathOf(key)));
  const allowed = [key.settled, ...key.open];
  const found = allowed.findLastIndex((value) => isValue(key, value, got));
  if (found < 0) throw unexpected(`${key.name} holds none of ${allowed.map(describe).join(' | ')}`, got);
  if (found === 0) return;
  key.settled = allowed[found];
  key.open = [];
}

async function closeKey({ client, endpoint }: Store, known: KnownKeys, key: KnownKey): Promise<void> {
  if (key.open.length === 0) return;
  const version = known.nextVersion();
  const body = contentOf(key.name, version, version % 2000);
  const put = await answered(() => client.s3(endpoint, 'PUT', pathOf(key), { body }));
  if (put.status !== 200) throw unexpected(`a write to ${key.name} after the crash`, put);
  key.settled = { version, bytes: body.length, etag: md5(body) };
  key.open = [];
}

async function verifyKey({ client, endpoint }: Store, key: KnownKey): Promise<void> {
  const value = key.settled;
  const got = await answered(() => client.s3(endpoint, 'GET', pathOf(key)));
  if (!isValue(key, value, got)) throw unexpected(`${key.name} does not hold ${describe(value)}`, got);
  const head = await answered(() => client.s3(endpoint, 'HEAD', pathOf(key)));
  assert.equal(head.status, got.status, `HEAD of ${key.name}`);
  if (value === undefined) return;
  assert.equal(head.headers.etag, got.headers.etag);
  assert.equal(head.headers['content-length'], String(value.bytes));
}

async function verifyListing({ client, endpoint }: Store, known: KnownKeys): Promise<void> {
  const listed: string[] = [];
  for (let after = ''; ; ) {
    const query = `list-type=2&max-keys=${PAGE}${after === '' ? '' : `&start-after=${after}`}`;
    const page = await answered(() => client.s3(endpoint, 'GET', `/${BUCKET}?${query}`));
    assert.equal(page.status, 200);
    const text = page.body.toString();
    for (const [, entry = ''] of text.matchAll(/<Contents>(.*?)<\/Contents>/gs)) listed.push(rowOf(entry));
    if (!text.includes('<IsTruncated>true</IsTruncated>')) break;
    after = listed.at(-1)?.split(' ')[0] ?? '';
  }
  const expected = known.keys.flatMap(({ name, settled }) =>
    settled === undefined ? [] : [`${name} ${settled.etag} ${settled.bytes}`],
  );
  assert.deepEqual(listed, expected, 'the listing');
}

function rowOf(entry: string): string {
  const field = (name: string) => new RegExp(`<${name}>(.*?)</${name}>`, 's').exec(entry)?.[1] ?? '';
  return `${field('Key')} ${field('ETag').replaceAll(/"|&quot;|&#34;/g, '')} ${field('Size')}`;
}

async function verifyCounters({ client, endpoint }: Store, known: KnownKeys): Promise<void> {
  const head = await answered(() => client.swift(endpoint, 'HEAD', `/${BUCKET}`));
  const values = known.keys.flatMap(({ settled }) => (settled === undefined ? [] : [settled]));
  const bytes = values.reduce((sum, value) => sum + value.bytes, 0);
  assert.equal(head.headers['x-container-object-count'], String(values.length), 'objects of the container');
  assert.equal(head.headers['x-container-bytes-used'], String(bytes), 'bytes of the container');
}

/** What a 503 asks for, and a connection that breaks under a reader: another try. */
async function answered(send: () => Promise<Answer>): Promise<Answer> {
  const deadlineMs = performance.now() + ANSWERED_MS_MAX;
  for (;;) {
    try {
      const answer = await send();
      if (answer.status < 500 || performance.now() > deadlineMs) return answer;
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
    }
    await sleep(200);
  }
}

function pathOf({ name }: KnownKey): string {
  return `/${BUCKET}/${name}`;
}

function describe(value: Value | undefined): string {
  return value === undefined ? 'nothing' : `version ${value.version} of ${value.bytes} bytes (${value.etag})`;
}
