/** Listings against a model that has all names in one array. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { memoryCluster } from '#cluster/memory-cluster.ts';
import { recordKey, recordKinds } from '#common/codec/record-key.ts';
import { spaceId } from '#common/ids.ts';
import { indexShard } from '#proxy/objects/index-shard.ts';
import { parseQuery } from '../query.ts';
import { listNames } from './list-names.ts';
import { type NameQuery, parseNameQuery } from './listing-query.ts';

const place = { space: spaceId('a'.repeat(32)), kind: recordKinds.object, shards: 3 };
const bytes = (text: string) => Buffer.from(text);
const before = (one: string, other: string) => Buffer.compare(bytes(one), bytes(other)) < 0;

async function clusterOf(names: readonly string[]) {
  const cluster = memoryCluster({ nowMs: () => 0 });
  for (const name of names) {
    const key = recordKey(place.space, place.kind, indexShard(name, place.shards), name);
    const empty = Buffer.alloc(0);
    await cluster.records.mutate(key, () => ({
      action: 'write',
      summary: empty,
      content: empty,
      result: undefined,
    }));
  }
  return cluster;
}

async function list(names: readonly string[], query: NameQuery): Promise<string[]> {
  const entries = await listNames(await clusterOf(names), place, query);
  return entries.map((entry) => (entry.type === 'row' ? entry.name : `${entry.prefix}…`));
}

/** What Swift's container server does with its rows. */
function model(names: readonly string[], query: NameQuery): string[] {
  const { prefix, delimiter, above, below, reverse, limit, onlyDirect } = query;
  const shown: string[] = [];
  for (const name of [...names].sort((a, b) => Buffer.compare(bytes(a), bytes(b)))) {
    if (!name.startsWith(prefix) || (onlyDirect && name === prefix)) continue;
    if ((above !== '' && !before(above, name)) || (below !== '' && !before(name, below))) continue;
    const end = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length);
    const fold = name.slice(0, end + delimiter.length);
    if (end < 0 || (onlyDirect && name === fold)) shown.push(name);
    else if (!onlyDirect && fold !== above && shown.at(-1) !== `${fold}…`) shown.push(`${fold}…`);
  }
  return (reverse ? shown.reverse() : shown).slice(0, limit);
}

test('any listing is the model’s', async () => {
  const text = (most: number) =>
    fc
      .array(fc.constantFrom('a', 'b', '/', '-', 'é', '\u{1f600}', '\ue000'), { maxLength: most })
      .map((parts) => parts.join(''));
  const names = fc.uniqueArray(
    text(6).filter((name) => name !== ''),
    { maxLength: 25 },
  );
  const query = fc.record({
    prefix: text(2),
    delimiter: fc.constantFrom('', '/', '-', '/-', 'é'),
    above: text(4),
    below: text(4),
    reverse: fc.boolean(),
    limit: fc.integer({ min: 0, max: 30 }),
  });
  await fc.assert(
    fc.asyncProperty(names, query, fc.option(text(3)), async (all, asked, path) => {
      const direct = { onlyDirect: true, delimiter: '/', prefix: path === '' ? '' : `${path ?? ''}/` };
      const whole = { ...asked, onlyDirect: false, ...(path === null ? {} : direct) };
      assert.deepEqual(await list(all, whole), model(all, whole));
    }),
    { numRuns: 500 },
  );
});

test('the query’s words for it', () => {
  const parse = (raw: string) => parseNameQuery(parseQuery(raw), 100);
  const plain = {
    prefix: '',
    delimiter: '',
    above: '',
    below: '',
    reverse: false,
    limit: 100,
    onlyDirect: false,
  };
  assert.deepEqual(parse(''), plain);
  assert.deepEqual(parse('marker=m&end_marker=z'), { ...plain, above: 'm', below: 'z' });
  assert.deepEqual(parse('marker=z&end_marker=m&reverse=true'), {
    ...plain,
    above: 'm',
    below: 'z',
    reverse: true,
  });
  assert.deepEqual(parse('path=a/'), { ...plain, prefix: 'a/', delimiter: '/', onlyDirect: true });
  assert.deepEqual(parse('limit=7&delimiter=ab&prefix=x%20y'), {
    ...plain,
    limit: 7,
    delimiter: 'ab',
    prefix: 'x y',
  });
  assert.throws(() => parse('limit=101'), { status: 412 });
  assert.equal(parse('limit=many').limit, 100);
});
