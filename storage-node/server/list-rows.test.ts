import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ZERO_BALLOT } from '#common/ballot.ts';
import { type RecordKey, recordKey, recordKinds, shardPrefix } from '#common/codec/record-key.ts';
import { spaceId } from '#common/ids.ts';
import { MemoryEngine } from '../engine/memory-engine.ts';
import type { List, ListedRow } from '../protocol/messages/list.ts';
import { listRows } from './list-rows.ts';
import { NOTHING_COUNTED } from '../protocol/accepted-state.ts';

const SPACE = spaceId('11'.repeat(16));
const PREFIX = shardPrefix(SPACE, recordKinds.object, 0);
const EMPTY = Buffer.alloc(0);

function keyOf(name: string): RecordKey {
  return recordKey(SPACE, recordKinds.object, 0, name);
}

/** Records by name: the clock of their ballot, negative for a tombstone. */
async function engineWith(records: Readonly<Record<string, number>>): Promise<MemoryEngine> {
  const engine = new MemoryEngine(() => 0);
  const writes = Object.entries(records).map(([name, clock]) =>
    engine.writeRecord(keyOf(name), {
      ballot: { clock: Math.abs(clock), writer: 1 },
      history: [],
      horizon: ZERO_BALLOT,
      counted: NOTHING_COUNTED,
      live: clock > 0,
      summary: clock > 0 ? Buffer.from(`row of ${name}`) : EMPTY,
      content: EMPTY,
    }),
  );
  await Promise.all(writes);
  return engine;
}

function query(changes: Partial<List> = {}): List {
  return {
    type: 'list',
    route: { partition: 0, epoch: 1 },
    limit: 100,
    from: PREFIX,
    to: Buffer.concat([PREFIX, Buffer.of(0xff)]),
    foldOffset: 0,
    delimiter: EMPTY,
    ...changes,
  };
}

const folding = query({ delimiter: Buffer.from('/') });

function described(row: ListedRow): string {
  const witness = row.witness === undefined ? '' : ` by ${row.witness.toString()}`;
  return `${row.name.toString()}${witness} @${row.ballot.clock}${row.live ? '' : ' dead'}`;
}

async function list(records: Readonly<Record<string, number>>, asked: List): Promise<[string[], boolean]> {
  const { rows, more } = await listRows(await engineWith(records), asked);
  return [rows.map(described), more];
}

describe('rows', () => {
  test('come in the order of their names, tombstones too', async () => {
    const engine = await engineWith({ b: 2, a: 1, c: -3 });
    const { rows, more } = await listRows(engine, query());
    assert.deepEqual(rows.map(described), ['a @1', 'b @2', 'c @3 dead']);
    assert.deepEqual(
      rows.map((row) => row.summary.toString()),
      ['row of a', 'row of b', ''],
    );
    assert.equal(more, false);
  });

  test('end at the limit, which says whether more follow', async () => {
    const records = { a: 1, b: 2, c: 3 };
    assert.deepEqual(await list(records, query({ limit: 2 })), [['a @1', 'b @2'], true]);
    assert.deepEqual(await list(records, query({ limit: 3 })), [['a @1', 'b @2', 'c @3'], false]);
  });

  test('begin and end where they are asked to', async () => {
    const range = { from: keyOf('b'), to: keyOf('c') };
    assert.deepEqual(await list({ a: 1, b: 2, bb: 3, c: 4 }, query(range)), [['b @2', 'bb @3'], false]);
  });
});

describe('a folded prefix', () => {
  test('stands for its names by the first that lives', async () => {
    const records = { a: 1, 'b/1': -2, 'b/2': 3, 'b/3': 4, c: 5 };
    assert.deepEqual(await list(records, folding), [['a @1', 'b/ by b/2 @3', 'c @5'], false]);
  });

  test('is folded behind the offset alone', async () => {
    const asked = { ...folding, foldOffset: 2, from: keyOf('b/') };
    assert.deepEqual(await list({ 'b/1': 1, 'b/x/1': 2, 'b/x/2': 3 }, asked), [
      ['b/1 @1', 'b/x/ by b/x/1 @2'],
      false,
    ]);
  });

  test('shows that it is dead, with a digest of every tombstone under it', async () => {
    const records = { 'b/1': -2, 'b/2': -3, c: 5 };
    const { rows } = await listRows(await engineWith(records), folding);
    assert.deepEqual(rows.map(described), ['b/ by b/1 @2 dead', 'c @5']);
    const others = [
      { ...records },
      { ...records, 'b/2': -4 },
      { ...records, 'b/3': -3 },
      { 'b/1': -2, c: 5 },
    ];
    const digests = await Promise.all(
      others.map(async (other) => (await listRows(await engineWith(other), folding)).rows[0]?.summary),
    );
    const same = digests.map((digest) => digest?.equals(rows[0]?.summary ?? EMPTY));
    assert.deepEqual(same, [true, false, false, false]);
    assert.equal(digests[0]?.length, 16);
  });

  test('may be the last row, and does not end before its names do', async () => {
    const records = { 'b/1': -1, 'b/2': -2, 'b/3': 3, 'c/1': -4, 'c/2': -5 };
    assert.deepEqual(await list(records, { ...folding, limit: 1 }), [['b/ by b/3 @3'], true]);
    const behind = { ...folding, limit: 1, from: keyOf('b/\u{10ffff}') };
    assert.deepEqual(await list(records, behind), [['c/ by c/1 @4 dead'], false]);
  });

  test('may hold more names than are read at once, alive or dead', async () => {
    const records: Record<string, number> = {};
    for (let index = 0; index < 450; index += 1) records[`b/${1000 + index}`] = -1 - index;
    records['b/9'] = 7;
    for (let index = 0; index < 450; index += 1) records[`c/${1000 + index}`] = 1 + index;
    records['d'] = 9;
    assert.deepEqual(await list(records, folding), [['b/ by b/9 @7', 'c/ by c/1000 @1', 'd @9'], false]);
  });
});
