import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { recordKey, recordKinds } from '#common/codec/record-key.ts';
import { spaceId } from '#common/ids.ts';
import type { ListingEntry, ListingQuery } from './cluster.ts';
import { memoryCluster } from './memory-cluster.ts';

const space = spaceId('a'.repeat(32));
const kind = recordKinds.object;
const summary = Buffer.from('s');
const content = Buffer.from('c');

function put(cluster: ReturnType<typeof memoryCluster>, shard: number, name: string): Promise<void> {
  return cluster.records.mutate(recordKey(space, kind, shard, name), () => ({
    action: 'write',
    summary,
    content,
    result: undefined,
  }));
}

test('a record is what the last mutation decided, and a removed one is gone', async () => {
  const cluster = memoryCluster({ nowMs: () => 5000 });
  const key = recordKey(space, kind, 0, 'x');
  assert.equal(await cluster.records.read(key), undefined);
  await put(cluster, 0, 'x');
  const first = await cluster.records.read(key);
  assert.equal(first?.content.toString(), 'c');
  const seen = await cluster.records.mutate(key, (current, ballot) => ({
    action: 'write',
    summary,
    content: Buffer.from('d'),
    result: { content: current?.content.toString(), later: ballot.clock > (current?.ballot.clock ?? 0) },
  }));
  assert.deepEqual(seen, { content: 'c', later: true });
  await assert.rejects(
    cluster.records.mutate(key, () => {
      throw new Error('refused');
    }),
    /refused/,
  );
  assert.equal((await cluster.records.read(key))?.content.toString(), 'd');
  await cluster.records.mutate(key, () => ({ action: 'remove', result: undefined }));
  assert.equal(await cluster.records.read(key), undefined);
  assert.equal(cluster.recordCount, 0);
});

test('a count adds up what records are counted for, and no more', async () => {
  const cluster = memoryCluster({ nowMs: () => 5000 });
  const content = Buffer.alloc(0);
  const write = (name: string, shard: number, counted?: { objects: number; bytes: number }) =>
    cluster.records.mutate(recordKey(space, kind, shard, name), () => ({
      action: 'write',
      summary,
      content,
      ...(counted === undefined ? {} : { counted }),
      result: undefined,
    }));
  const count = () => cluster.listings.count({ space, kind, shards: 2 });
  assert.deepEqual(await count(), { objects: 0, bytes: 0 });
  await write('a', 0, { objects: 1, bytes: 7 });
  await write('b', 1, { objects: 0, bytes: 3 });
  await write('c', 1);
  await write('elsewhere', 2, { objects: 1, bytes: 1000 });
  assert.deepEqual(await count(), { objects: 1, bytes: 10 });
  await write('a', 0, { objects: 1, bytes: 70 });
  assert.deepEqual(await count(), { objects: 1, bytes: 73 });
  await cluster.records.mutate(recordKey(space, kind, 0, 'a'), () => ({
    action: 'remove',
    result: undefined,
  }));
  assert.deepEqual(await count(), { objects: 0, bytes: 3 });
  for (const counted of [
    { objects: 256, bytes: 0 },
    { objects: 1, bytes: -1 },
    { objects: 1, bytes: 2 ** 48 },
  ]) {
    await assert.rejects(write('x', 0, counted), { code: 'invalid-argument' });
  }
});

test('names sort by their UTF-8 bytes, where U+FFFD comes before what needs surrogates', async () => {
  const cluster = memoryCluster({ nowMs: () => 0 });
  for (const name of ['\u{1F600}', '\uFFFD', 'z', 'é']) await put(cluster, 0, name);
  const page = await cluster.listings.list({ space, kind, shards: 1, prefix: '', delimiter: '', limit: 10 });
  assert.deepEqual(
    page.entries.map((entry) => (entry.type === 'row' ? entry.name : '')),
    ['z', 'é', '\uFFFD', '\u{1F600}'],
  );
});

/** The listing as the interface describes it, with no thought for speed. */
function naive(names: readonly string[], query: ListingQuery): { entries: string[]; more: boolean } {
  const bytes = (text: string) => Buffer.from(text);
  const order = (a: string, b: string) => Buffer.compare(bytes(a), bytes(b));
  const start = query.start;
  const behindStart = (name: string) => {
    if (start === undefined) return true;
    if ('from' in start) return order(name, start.from) >= 0;
    if ('after' in start) return order(name, start.after) > 0;
    return order(name, start.afterPrefix) > 0 && !name.startsWith(start.afterPrefix);
  };
  const entries: string[] = [];
  for (const name of [...names].sort(order)) {
    if (!name.startsWith(query.prefix) || !behindStart(name)) continue;
    const at = query.delimiter === '' ? -1 : name.indexOf(query.delimiter, query.prefix.length);
    const entry = at < 0 ? `row ${name}` : `prefix ${name.slice(0, at + query.delimiter.length)}`;
    if (entries.at(-1) !== entry) entries.push(entry);
  }
  return { entries: entries.slice(0, query.limit), more: entries.length > query.limit };
}

function shown(entry: ListingEntry): string {
  return entry.type === 'row' ? `row ${entry.name}` : `prefix ${entry.prefix}`;
}

test('every listing agrees with a naive one: prefixes, delimiters, starts and limits', async () => {
  const name = fc
    .array(fc.constantFrom('a', 'b', '/', '//', '\uFFFD', '\u{1F600}', 'é', '\u0001'), {
      minLength: 1,
      maxLength: 6,
    })
    .map((parts) => parts.join(''));
  const text = fc.oneof(fc.constant(''), name);
  const start = fc.oneof(
    fc.constant({}),
    name.map((after) => ({ start: { after } })),
    name.map((afterPrefix) => ({ start: { afterPrefix } })),
    name.map((from) => ({ start: { from } })),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(name, { maxLength: 30 }),
      text,
      fc.oneof(fc.constantFrom('', '/', 'a', '//'), text),
      start,
      fc.integer({ min: 1, max: 8 }),
      async (names, prefix, delimiter, from, limit) => {
        const cluster = memoryCluster({ nowMs: () => 0 });
        for (const [index, each] of names.entries()) await put(cluster, index % 3, each);
        const query: ListingQuery = { space, kind, shards: 3, prefix, delimiter, limit, ...from };
        const page = await cluster.listings.list(query);
        assert.deepEqual({ entries: page.entries.map(shown), more: page.more }, naive(names, query));
      },
    ),
    { numRuns: 300 },
  );
});

test('a body comes back in any range, over stripes, and is gone once released', async () => {
  const cluster = memoryCluster({ nowMs: () => 0, stripeBytes: 1000 });
  const body = randomBytes(3500);
  const writer = cluster.bodies.write(recordKey(space, kind, 0, 'x'));
  const recycled = Buffer.alloc(700);
  for (let at = 0; at < body.length; at += 700) {
    body.copy(recycled, 0, at, at + 700);
    await writer.write(recycled);
    recycled.fill(0);
  }
  const stripes = await writer.finish();
  assert.deepEqual(
    stripes.map((stripe) => stripe.lengthBytes),
    [1000, 1000, 1000, 500],
  );
  for (const [start, end] of [
    [0, 3500],
    [999, 1001],
    [1000, 2000],
    [3499, 3500],
    [7, 7],
  ] as const) {
    const chunks: Buffer[] = [];
    await cluster.bodies.read(stripes, start, end, async (chunk) => void chunks.push(Buffer.from(chunk)));
    assert.deepEqual(Buffer.concat(chunks), body.subarray(start, end));
  }
  await assert.rejects(
    cluster.bodies.read(stripes, 0, 3501, async () => {}),
    { code: 'invalid-argument' },
  );
  const controller = new AbortController();
  await assert.rejects(
    cluster.bodies.read(stripes, 0, 3500, async () => controller.abort(), controller.signal),
    { code: 'aborted' },
  );
  cluster.bodies.release(stripes);
  assert.equal(cluster.stripeCount, 0);
  await assert.rejects(
    cluster.bodies.read(stripes, 0, 1, async () => {}),
    { code: 'blob-missing' },
  );
});

test('an aborted body leaves nothing behind', async () => {
  const cluster = memoryCluster({ nowMs: () => 0, stripeBytes: 10 });
  const writer = cluster.bodies.write(recordKey(space, kind, 0, 'x'));
  await writer.write(Buffer.alloc(25));
  await writer.abort();
  assert.equal(cluster.stripeCount, 0);
});
