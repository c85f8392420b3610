import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Level } from 'level';
import { hasCode } from '#common/errors.ts';
import { ManualClock } from '#common/io/manual-clock.ts';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import { everything, prefixed } from '../key-range.ts';
import { getEntry, put, remove } from '../operations.ts';
import type { LeaseId, Store } from '../store.ts';
import { openLevelStore } from './open-level-store.ts';

const WRITER = fileURLToPath(new URL('store.killed-writer.fixture.ts', import.meta.url));
const ROUNDS = 3;
const ANSWERS_OF_ROUND = 400;

describe('a store in files', () => {
  let path: string;
  let clock: ManualClock;
  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'holdfast-level-store-'));
    clock = new ManualClock();
  });
  afterEach(() => rm(path, { recursive: true }));

  const open = (more: { retainedRevisions?: number; bytesMax?: number } = {}): Promise<Store> =>
    openLevelStore({ path, clock, randomness: seededRandomness(7), ...more });
  const set = (store: Store, key: string, text: string, lease?: LeaseId): Promise<{ revision: number }> =>
    store.transact({ then: [put(key, Buffer.from(text), lease)] });

  test('is what it was when it is opened again: entries, past, revisions', async () => {
    const first = await open();
    await set(first, 'a', '1');
    const { revision } = await set(first, 'a', '2');
    await first.transact({ then: [put('b', Buffer.alloc(0)), remove('a')] });
    const before = await first.range(everything, { revision });
    await first.close();
    const second = await open();
    assert.deepEqual(await second.range(everything, { revision }), before);
    assert.deepEqual(
      (await second.range(everything)).entries.map(({ key }) => key),
      ['b'],
    );
    assert.equal((await set(second, 'c', '')).revision, revision + 2);
    const events: string[] = [];
    for await (const batch of second.watch(everything, revision)) {
      events.push(...batch.events.map((event) => (event.kind === 'put' ? event.entry.key : `-${event.key}`)));
      if (batch.revision === revision + 2) break;
    }
    assert.deepEqual(events.toSorted(), ['-a', 'a', 'b', 'c']);
    await second.close();
  });

  test('keeps its revision and what is compacted when the last change was a deletion that compaction took', async () => {
    const first = await open();
    await set(first, 'a', '1');
    const { revision } = await first.transact({ then: [remove('a')] });
    await first.compact(revision);
    await first.close();
    const second = await open();
    const { revision: at, entries } = await second.range(everything);
    assert.deepEqual([at, entries], [revision, []]);
    await assert.rejects(second.range(everything, { revision: revision - 1 }), (error) =>
      hasCode(error, 'revision-compacted'),
    );
    await second.close();
  });

  test('keeps leases, with all of their time from the opening on', async () => {
    const first = await open();
    const lease = await first.grantLease(10);
    await set(first, 'l', '1', lease.id);
    clock.advance(9000);
    await first.close();
    clock.advance(3_600_000);
    const second = await open();
    clock.advance(9000);
    assert.equal((await getEntry(second, 'l'))?.lease, lease.id);
    clock.advance(1000);
    const watch = second.watch(everything, (await second.range(everything)).revision + 1);
    for await (const { events } of watch) {
      assert.deepEqual(
        events.map(({ kind }) => kind),
        ['delete'],
      );
      break;
    }
    await second.close();
    const third = await open();
    await assert.rejects(third.keepAlive(lease.id), (error) => hasCode(error, 'lease-unknown'));
    await third.close();
  });

  test('drops its past by itself, and what is read stays right', async () => {
    const store = await open({ retainedRevisions: 10 });
    for (let count = 1; count <= 100; count += 1) await set(store, `k${count % 3}`, String(count));
    const { revision } = await store.range(everything);
    await assert.rejects(store.range(everything, { revision: revision - 40 }), (error) =>
      hasCode(error, 'revision-compacted'),
    );
    const old = await store.range(everything, { revision: revision - 9 });
    assert.deepEqual(
      old.entries.map(({ value }) => value.toString()),
      ['90', '91', '89'],
    );
    await store.close();
    const again = await open({ retainedRevisions: 10 });
    assert.deepEqual(await again.range(everything, { revision: revision - 9 }), old);
    await again.close();
  });

  test('drops more of its past at once than a call can have arguments', async () => {
    const KEYS = 100;
    const ROUNDS = 1300;
    // Full soon after these rounds: all but the newest of each key goes then.
    const store = await open({ bytesMax: KEYS * (ROUNDS + 50) * 207 });
    const round = (count: number): Promise<unknown> =>
      store.transact({
        then: Array.from({ length: KEYS }, (_, key) => put(`k${key}`, Buffer.from(String(count)))),
      });
    await Promise.all(Array.from({ length: ROUNDS }, (_, count) => round(count)));
    for (let count = ROUNDS; count < ROUNDS + 100; count += 1) await round(count);
    await store.close();
    const again = await open();
    const { entries } = await again.range(everything);
    assert.deepEqual(new Set(entries.map(({ value }) => value.toString())), new Set([String(ROUNDS + 99)]));
    assert.equal(entries.length, KEYS);
    await assert.rejects(again.range(everything, { revision: 2 }), (error) =>
      hasCode(error, 'revision-compacted'),
    );
    await again.close();
  });

  test('that is full refuses what puts, and takes what deletes', async () => {
    const store = await open({ bytesMax: 100_000 });
    const full = async (): Promise<void> => {
      for (let count = 0; ; count += 1) await set(store, `k/${count}`, 'x'.repeat(10_000));
    };
    await assert.rejects(full(), (error) => hasCode(error, 'store-full'));
    await store.transact({ then: [{ kind: 'delete', range: prefixed('k/') }] });
    for (let count = 0; count < 30; count += 1) await set(store, 'one', 'x'.repeat(10_000));
    await store.close();
  });

  test('is held by one process', async () => {
    const store = await open();
    await assert.rejects(open(), (error) => hasCode(error, 'data-in-use'));
    await store.close();
  });

  test('says so when a byte of it has changed, wherever', async () => {
    const store = await open();
    const lease = await store.grantLease(10);
    await set(store, 'key', 'value', lease.id);
    await store.transact({ then: [put('gone', Buffer.alloc(3)), remove('key')] });
    await store.close();
    const database = new Level<Buffer, Buffer>(path, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
    const rows = await database.iterator().all();
    assert.equal(rows.length, 6);
    for (const [key, value] of rows) {
      for (let at = 0; at < value.length; at += 11) {
        const changed = Buffer.from(value);
        changed[at] = (changed[at] ?? 0) ^ 0x10;
        await database.put(key, changed);
        await database.close();
        await assert.rejects(
          open(),
          (error) => hasCode(error, 'data-corrupt') || hasCode(error, 'format-invalid'),
        );
        await database.open();
      }
      await database.put(key, value);
    }
    await database.put(Buffer.from('x'), Buffer.alloc(4));
    await database.close();
    await assert.rejects(open(), (error) => hasCode(error, 'data-corrupt'));
  });

  test('loses nothing that was answered and shows nothing by halves when its process is killed', async () => {
    const answered = new Map<string, number>();
    const leases: string[] = [];
    for (let round = 1; round <= ROUNDS; round += 1) {
      for (const [worker, number] of await killedWriter(path, round, ANSWERS_OF_ROUND)) {
        if (worker === 'lease') leases.push(String(number));
        else answered.set(worker, Number(number));
      }
      const store = await open();
      for (const [worker, number] of answered) {
        const last = await getEntry(store, `last/${worker}`);
        const found = Number(last?.value.toString());
        assert.ok(found === number || found === number + 1, `${worker}: ${found} after ${number}`);
        const here = await getEntry(store, `${found % 2 === 0 ? 'even' : 'odd'}/${worker}`);
        assert.equal(here?.value.toString(), String(found));
        assert.equal(here?.modRevision, last?.modRevision);
        assert.equal(await getEntry(store, `${found % 2 === 0 ? 'odd' : 'even'}/${worker}`), undefined);
      }
      for (const lease of leases) await store.keepAlive(lease as LeaseId);
      await store.close();
    }
    assert.equal(answered.size, 16);
    assert.equal(leases.length, ROUNDS);
  });
});

/** Each worker's last answer that the killed process has printed. */
async function killedWriter(path: string, round: number, answers: number): Promise<Map<string, string>> {
  const child = spawn(process.execPath, [WRITER, path, String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  let lines = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
    for (const byte of chunk) if (byte === 10) lines += 1;
    if (lines >= answers) child.kill('SIGKILL');
  });
  await once(child, 'close');
  const last = new Map<string, string>();
  for (const [, worker = '', number = ''] of printed.matchAll(/^(\w+) (\d+) \.$/gm)) last.set(worker, number);
  return last;
}
