/** Any one call to the disk fails, in any way: what was answered stays, what failed is told, and an I/O error of a write takes the device out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HoldfastError, hasCode } from '#common/errors.ts';
import { blobId } from '#common/ids.ts';
import type { Fault } from '#common/io/memory-faults.ts';
import { MemoryFiles } from '#common/io/memory-files.ts';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import type { Device } from './device.ts';
import { PATH, type TestDevice, keyOf, openOn, stateOf, textOf } from './engine.fixture.ts';
import { MemoryIndexStore } from './memory-index.ts';

const OPTIONS = { segmentBytes: 4096 };
const KEYS = 8;
const BLOBS = ['a', 'b', 'c'].map((digit) => blobId(digit.repeat(32)));
const BODY = seededRandomness(3).bytes(70_000);

/** What was answered, and what was asked for and refused: of each key and each blob. */
class Asked {
  readonly answered = new Map<string, string>();
  readonly refused = new Map<string, Set<string>>();
  readonly errors: unknown[] = [];

  async run(what: string, value: string, operation: () => Promise<unknown>): Promise<void> {
    try {
      await operation();
      this.answered.set(what, value);
      this.refused.delete(what);
    } catch (error) {
      this.errors.push(error);
      const known = this.refused.get(what) ?? new Set();
      this.refused.set(what, known.add(value));
    }
  }

  /** What may be found there. */
  allowed(what: string): string[] {
    return [this.answered.get(what) ?? 'none', ...(this.refused.get(what) ?? [])];
  }
}

async function work({ device, clock }: TestDevice, asked: Asked): Promise<void> {
  for (let time = 1; time <= 3 * KEYS; time += 1) {
    const number = time % KEYS;
    const state = stateOf(time, 500, time % 7 !== 0);
    await asked.run(`key ${number}`, textOf(state), () => device.writeRecord(keyOf(number), state));
  }
  clock.advance(25);
  for (const id of BLOBS) await asked.run(id, 'there', () => writeBlob(device, id));
  const [first] = BLOBS;
  assert.ok(first);
  await asked.run(first, 'none', () => device.deleteBlob(first));
  // A blob that a power loss brings back belongs to no object, and is swept again.
  asked.refused.set(first, new Set([...(asked.refused.get(first) ?? []), 'there']));
  await asked.run('compaction', '', () => device.compactOne());
  await asked.run('ceiling', '', () => device.raiseCeiling(500));
  for (let number = 0; number < KEYS; number += 1) {
    await asked.run('a read', '', async () => device.readRecord(keyOf(number)));
  }
}

async function writeBlob(device: Device, id: (typeof BLOBS)[number]): Promise<void> {
  const sink = await device.createBlob(id, keyOf(1));
  try {
    await sink.write([BODY]);
    await sink.commit();
  } catch (error) {
    await sink.abort().catch(() => undefined);
    throw error;
  }
}

async function blobAt(device: Device, id: (typeof BLOBS)[number]): Promise<string> {
  try {
    const source = await device.openBlob(id);
    const body = Buffer.alloc(source.lengthBytes);
    await source.read(body, 0, body.length, 0);
    await source.close();
    return body.equals(BODY) ? 'there' : 'torn';
  } catch (error) {
    if (hasCode(error, 'blob-missing')) return 'none';
    throw error;
  }
}

async function verify(device: Device, asked: Asked, what: string): Promise<void> {
  for (let number = 0; number < KEYS; number += 1) {
    const found = textOf(device.readRecord(keyOf(number)));
    assert.ok(asked.allowed(`key ${number}`).includes(found), `${what}: key ${number} holds ${found}`);
  }
  for (const id of BLOBS) {
    const found = await blobAt(device, id);
    assert.ok(asked.allowed(id).includes(found), `${what}: blob ${id} is ${found}`);
  }
}

/** Whether the fault was reached. */
async function survive(nth: number, how: Fault['how']): Promise<boolean> {
  const files = new MemoryFiles();
  const index = new MemoryIndexStore();
  const opened = await openOn(files, index, OPTIONS);
  await opened.device.counted();
  const before = files.calls;
  files.fail({ nth, how });
  const asked = new Asked();
  await work(opened, asked);
  const reached = files.calls - before >= nth;
  const what = `${how} at call ${nth}`;
  for (const error of asked.errors) {
    assert.ok(error instanceof HoldfastError, `${what}: ${String(error)}`);
    assert.ok(
      ['device-failed', 'device-full', 'data-corrupt'].includes(error.code),
      `${what}: ${error.code}`,
    );
  }
  await opened.device.close().catch(() => undefined);
  const random = seededRandomness(nth);
  const powerLoss = nth % 2 === 0;
  const left = powerLoss ? files.crash(random) : files.restart();
  // The index of a device that failed is behind or whole, as LevelDB's is.
  if (powerLoss) index.crash(random);
  const again = await openOn(left, index, OPTIONS);
  await verify(again.device, asked, `${what}, then ${powerLoss ? 'a power loss' : 'a restart'}`);
  await again.device.close();
  return reached;
}

for (const how of ['EIO', 'ENOSPC', 'EROFS', 'short'] as const) {
  test(`${how} at any one call harms nothing that was answered`, async (context) => {
    let calls = 0;
    for (let nth = 1; await survive(nth, how); nth += 1) calls += 1;
    context.diagnostic(`${calls} calls failed, one at a time`);
    assert.ok(calls > 80, String(calls));
  });
}

test('a sync that fails takes the device out, whichever file or folder it was of', async () => {
  for (const [call, path] of [
    ['sync', '/log/'],
    ['sync', '/tmp/'],
    ['syncDirectory', '/blobs/'],
    ['rename', '/tmp/'],
  ] as const) {
    const files = new MemoryFiles();
    const opened = await openOn(files, new MemoryIndexStore(), OPTIONS);
    files.fail({ call, path, nth: 1, how: 'EIO' });
    const asked = new Asked();
    await work(opened, asked);
    assert.equal((await opened.device.usage()).health, 'failed', `${call} of ${path}`);
    const failures = opened.events.filter(({ type }) => type === 'device-failed');
    assert.equal(failures.length, 1, `${call} of ${path}`);
    // From then on nothing was taken, so that nothing was synced as if nothing had happened.
    assert.ok(asked.errors.every((error) => hasCode(error, 'device-failed')));
  }
});

test('a segment that has lost its end, or is gone, is told, and takes nothing else with it', async () => {
  for (const loss of ['end', 'all'] as const) {
    const files = new MemoryFiles();
    const index = new MemoryIndexStore();
    const { device } = await openOn(files, index, OPTIONS);
    for (let number = 0; number < 20; number += 1) {
      await device.writeRecord(keyOf(number), stateOf(number + 1, 500));
    }
    await device.close();
    const first = `${PATH}/log/0000000001.log`;
    const file = await files.open(first, 'append');
    if (loss === 'end') await file.truncate((await file.size()) - 700);
    else await files.unlink(first);
    const again = await openOn(files, index, OPTIONS);
    let lost = 0;
    for (let number = 0; number < 20; number += 1) {
      try {
        assert.equal(textOf(again.device.readRecord(keyOf(number))), textOf(stateOf(number + 1, 500)));
      } catch (error) {
        assert.ok(hasCode(error, 'data-corrupt'), String(error));
        lost += 1;
      }
    }
    assert.ok(lost > 0 && lost < 10, `${loss}: ${lost} records are lost`);
    if (loss === 'end') assert.ok(again.events.some(({ type }) => type === 'data-corrupt'));
    await again.device.close();
  }
});

test('a log that has lost what its index knows of takes the device out, at every start', async () => {
  for (const loss of ['end', 'last segment', 'everything'] as const) {
    const files = new MemoryFiles();
    const index = new MemoryIndexStore();
    const { device } = await openOn(files, index, OPTIONS);
    for (let number = 0; number < 20; number += 1) {
      await device.writeRecord(keyOf(number), stateOf(number + 1, 500));
    }
    await device.close();
    const names = (await files.list(`${PATH}/log`)).map(({ name }) => `${PATH}/log/${name}`).toSorted();
    const last = names.at(-1) ?? '';
    const file = await files.open(last, 'append');
    if (loss === 'end') await file.truncate((await file.size()) - 100);
    else for (const name of loss === 'everything' ? names : [last]) await files.unlink(name);
    for (let start = 1; start <= 2; start += 1) {
      const again = await openOn(files, index, OPTIONS);
      assert.equal((await again.device.usage()).health, 'failed', `${loss}, start ${start}`);
      assert.throws(() => again.device.readRecord(keyOf(1)), { code: 'device-failed' });
      await assert.rejects(again.device.writeRecord(keyOf(1), stateOf(99, 5)), { code: 'device-failed' });
      await again.device.close();
    }
  }
});
