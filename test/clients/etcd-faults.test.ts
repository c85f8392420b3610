/** The control store while etcd's members are killed, hang, or cannot be reached. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { hasCode } from '#common/errors.ts';
import { realClock } from '#common/io/real-clock.ts';
import { openEtcdStore } from '#control/store/etcd/etcd-store.ts';
import { prefixed } from '#control/store/key-range.ts';
import { getEntry, isAsRead, put } from '#control/store/operations.ts';
import type { Store } from '#control/store/store.ts';
import { CuttableLine } from './cuttable-line.ts';
import { RunningEtcd } from './running-etcd.ts';

const WORKERS = 4;
const COUNTS = 150;
const TEST_MS_MAX = 120_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Whether the store could not be asked, or it cannot be told what came of it: what a caller tries again after. */
function isPassing(error: unknown): boolean {
  return hasCode(error, 'store-unavailable') || hasCode(error, 'outcome-unknown');
}

/** Counts a key up to COUNTS, each step a transaction that holds only after the one before. */
async function countUp(store: Store, key: string, reached: (count: number) => void): Promise<void> {
  for (let count = 0; count < COUNTS; ) {
    try {
      const entry = await getEntry(store, key);
      const found = Number(entry?.value.toString() ?? 0);
      assert.ok(found >= count, `${key}: ${count} was acknowledged, and ${found} is there`);
      count = found;
      if (count === COUNTS) break;
      const { succeeded } = await store.transact({
        compare: [isAsRead(key, entry)],
        then: [put(key, Buffer.from(String(count + 1)))],
      });
      if (succeeded) {
        count += 1;
        reached(count);
      }
    } catch (error) {
      if (!isPassing(error)) throw error;
      await pause(20);
    }
  }
}

/** What a watch shows of each key until all have reached COUNTS. */
async function watchAll(store: Store, fromRevision: number): Promise<Map<string, number[]>> {
  const seen = new Map<string, number[]>();
  let done = 0;
  for await (const { events } of store.watch(prefixed('count/'), fromRevision)) {
    for (const event of events) {
      assert.ok(event.kind === 'put');
      const number = Number(event.entry.value.toString());
      seen.set(event.entry.key, [...(seen.get(event.entry.key) ?? []), number]);
      if (number === COUNTS) done += 1;
    }
    if (done === WORKERS) break;
  }
  return seen;
}

/**
 * Counts and watches while `trouble` goes on; it is told when a third and two thirds of the counting are done.
 *
 * @param patient reads what has come of it: reads that have to succeed, and need a store that gives them their time.
 */
async function countThrough(
  store: Store,
  trouble: readonly (() => Promise<void>)[],
  patient: Store = store,
): Promise<void> {
  let counts = await store.range(prefixed('count/')).catch(() => undefined);
  while (counts === undefined) counts = await store.range(prefixed('count/')).catch(() => undefined);
  const { revision } = counts;
  const watching = watchAll(store, revision + 1);
  const total = WORKERS * COUNTS;
  let reached = 0;
  let begun = 0;
  const troubles: Promise<void>[] = [];
  const step = (): void => {
    reached += 1;
    if (begun < trouble.length && reached >= ((begun + 1) * total) / (trouble.length + 1)) {
      const next = trouble[begun];
      begun += 1;
      if (next) troubles.push(next());
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, (_, at) => countUp(store, `count/${at}`, step)));
  await Promise.all(troubles);
  assert.equal(troubles.length, trouble.length);
  for (let at = 0; at < WORKERS; at += 1) {
    // Each count was put once: none was lost, and none was sent again after it had been done.
    assert.equal((await getEntry(patient, `count/${at}`))?.version, COUNTS);
  }
  const wanted = Array.from({ length: COUNTS }, (_, at) => at + 1);
  for (const numbers of (await watching).values()) assert.deepEqual(numbers, wanted);
}

async function startEtcd(context: TestContext, members: number): Promise<RunningEtcd> {
  const etcd = await RunningEtcd.start(members);
  context.after(() => etcd.stop());
  return etcd;
}

test('etcd is killed and started again while four workers count: nothing is lost, nothing is done twice', {
  timeout: TEST_MS_MAX,
}, async (context) => {
  const etcd = await startEtcd(context, 1);
  const store = openEtcdStore({ endpoints: etcd.endpoints }, realClock());
  const killAndStart = async (): Promise<void> => {
    await etcd.kill(0);
    await pause(300);
    await etcd.restart(0);
  };
  const lease = await store.grantLease(60);
  await store.transact({ then: [put('leased', Buffer.from('1'), lease.id)] });
  await countThrough(store, [killAndStart, killAndStart]);
  await store.keepAlive(lease.id);
  assert.equal((await getEntry(store, 'leased'))?.lease, lease.id);
  await store.close();
});

test('of three members one after another is killed while four workers count', {
  timeout: TEST_MS_MAX,
}, async (context) => {
  const etcd = await startEtcd(context, 3);
  const store = openEtcdStore({ endpoints: etcd.endpoints }, realClock());
  const fail = (at: number) => async (): Promise<void> => {
    await etcd.kill(at);
    await pause(1500);
    await etcd.restart(at);
  };
  await countThrough(store, [fail(0), fail(1), fail(2)]);
  await etcd.kill(0);
  await etcd.kill(1);
  const alone = openEtcdStore({ endpoints: etcd.endpoints, timeoutMs: 3000 }, realClock());
  await assert.rejects(alone.range(prefixed('count/')), (error) => hasCode(error, 'store-unavailable'));
  await assert.rejects(alone.transact({ then: [put('x', Buffer.alloc(1))] }), isPassing);
  await Promise.all([etcd.restart(0), etcd.restart(1)]);
  assert.equal((await store.range(prefixed('count/'))).entries.length, WORKERS);
  await Promise.all([store.close(), alone.close()]);
});

test('the connection is cut, and stays cut for a while', { timeout: TEST_MS_MAX }, async (context) => {
  const etcd = await startEtcd(context, 1);
  const line = await CuttableLine.open(etcd.ports[0] as number);
  const store = openEtcdStore({ endpoints: [`127.0.0.1:${line.port}`], timeoutMs: 1000 }, realClock());
  const cut = async (): Promise<void> => {
    line.cut();
    await pause(1500);
    line.mend();
  };
  const patient = openEtcdStore({ endpoints: etcd.endpoints }, realClock());
  await countThrough(store, [cut, cut], patient);
  line.cut();
  const startedMs = performance.now();
  await assert.rejects(store.range(prefixed('a')), (error) => hasCode(error, 'store-unavailable'));
  await assert.rejects(store.transact({ then: [put('a', Buffer.alloc(1))] }), isPassing);
  // Not a figure: it only must not wait for ever.
  assert.ok(performance.now() - startedMs < 60_000);
  await Promise.all([store.close(), patient.close()]);
  await line.close();
});

test('an etcd that hangs is given up after the time of a request, and is well when it goes on', {
  timeout: TEST_MS_MAX,
}, async (context) => {
  const etcd = await startEtcd(context, 1);
  // What has to succeed has all its time.
  const patient = openEtcdStore({ endpoints: etcd.endpoints }, realClock());
  await patient.transact({ then: [put('a', Buffer.from('1'))] });
  const lease = await patient.grantLease(100);
  const store = openEtcdStore({ endpoints: etcd.endpoints, timeoutMs: 800 }, realClock());
  while ((await getEntry(store, 'a').catch(() => undefined)) === undefined) await pause(50);
  await etcd.standStill(0);
  await assert.rejects(store.range(prefixed('a')), (error) => hasCode(error, 'store-unavailable'));
  await assert.rejects(store.transact({ then: [put('b', Buffer.from('1'))] }), (error) =>
    hasCode(error, 'outcome-unknown'),
  );
  etcd.goOn(0);
  while ((await getEntry(store, 'a').catch(() => undefined)) === undefined) await pause(50);
  await patient.keepAlive(lease.id);
  await Promise.all([store.close(), patient.close()]);
});
