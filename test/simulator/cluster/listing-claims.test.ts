import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { recordKinds } from '#common/codec/record-key.ts';
import { spaceId } from '#common/ids.ts';
import type { ListingEntry, ListingQuery } from '#cluster/cluster.ts';
import type { Operation } from '../operation.ts';
import { type ListingRun, canStand, claimsOf } from './listing-claims.ts';

const NAMES = ['a', 'b/1', 'b/2', 'c'];
const all: ListingQuery = {
  space: spaceId('00'.repeat(16)),
  kind: recordKinds.object,
  shards: 1,
  prefix: '',
  delimiter: '',
  limit: 10,
};

function run(query: Partial<ListingQuery>, entries: readonly string[], more = false): ListingRun {
  const shown = entries.map((entry): ListingEntry => {
    if (entry.endsWith('/')) return { type: 'prefix', prefix: entry };
    const [name = '', value = ''] = entry.split('=');
    return { type: 'row', name, ballot: { clock: 1, writer: 1 }, summary: Buffer.from(value) };
  });
  const times = { invokedAt: 10, invokedMs: 10, answeredAt: 20, answeredMs: 20 };
  return {
    number: 1,
    client: 'a client',
    query: { ...all, ...query },
    page: { entries: shown, more },
    ...times,
  };
}

function claims(of: ListingRun): string[] {
  return claimsOf(of, NAMES).map((claim) =>
    claim.type === 'value'
      ? `${claim.name}=${claim.value ?? ''}`
      : `${claim.prefix} of ${claim.names.join(' ')}`,
  );
}

describe('a page', () => {
  test('claims of each name of its range what it shows, and that the others are absent', () => {
    assert.deepEqual(claims(run({}, ['a=1', 'b/2=2'])), ['a=1', 'b/1=', 'b/2=2', 'c=']);
    assert.deepEqual(claims(run({ prefix: 'b/' }, ['b/2=2'])), ['b/1=', 'b/2=2']);
    assert.deepEqual(claims(run({ start: { after: 'b/1' } }, ['c=3'])), ['b/2=', 'c=3']);
    assert.deepEqual(claims(run({ start: { from: 'b/1' } }, [])), ['b/1=', 'b/2=', 'c=']);
    assert.deepEqual(claims(run({ start: { afterPrefix: 'b/' } }, [])), ['c=']);
  });

  test('claims nothing behind its end when more follow', () => {
    assert.deepEqual(claims(run({ limit: 1 }, ['b/1=1'], true)), ['a=', 'b/1=1']);
  });

  test('claims that some name stands under a prefix that it shows, and none under one that it does not', () => {
    assert.deepEqual(claims(run({ delimiter: '/' }, ['a=1', 'b/'])), ['a=1', 'c=', 'b/ of b/1 b/2']);
    assert.deepEqual(claims(run({ delimiter: '/' }, ['a=1'])), ['a=1', 'b/1=', 'b/2=', 'c=']);
  });

  test('is none when it shows what cannot be, or in the wrong order', () => {
    assert.throws(() => claims(run({}, ['ghost=1'])), /nothing can be listed/);
    assert.throws(() => claims(run({ prefix: 'b/' }, ['a=1'])), /nothing can be listed/);
    assert.throws(() => claims(run({}, ['c=1', 'a=1'])), /behind/);
    assert.throws(() => claims(run({}, ['a=1', 'a=1'])), /behind/);
    assert.throws(() => claims(run({ limit: 1 }, ['a=1', 'c=1'])), /limit/);
    assert.throws(() => claims(run({ limit: 2 }, ['a=1'], true)), /short page/);
  });
});

test('a prefix can stand when one of its names was written before the listing ended, and not removed before it began', () => {
  const write: Operation = {
    number: 0,
    client: 'a client',
    key: 'b/1',
    action: { type: 'put', value: 'v' },
    invokedAt: 1,
    invokedMs: 1,
    answeredAt: 2,
    answeredMs: 2,
    outcome: { found: undefined, applied: true },
    failure: undefined,
    withoutEffect: false,
  };
  const removal: Operation = {
    ...write,
    action: { type: 'remove' },
    invokedAt: 3,
    answeredAt: 4,
    outcome: { found: 'v', applied: true },
  };
  const listing = run({ delimiter: '/' }, ['b/']);
  const under = ['b/1', 'b/2'];
  assert.ok(canStand(listing, under, new Map([['b/1', [write]]])));
  assert.ok(!canStand(listing, under, new Map([['b/1', [write, removal]]])));
  assert.ok(!canStand(listing, under, new Map([['b/1', [{ ...write, invokedAt: 21, answeredAt: 22 }]]])));
  assert.ok(canStand(listing, under, new Map([['b/1', [write, { ...removal, answeredAt: 12 }]]])));
});
