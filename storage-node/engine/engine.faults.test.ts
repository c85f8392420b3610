import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SHARD_PREFIX_BYTES } from '#common/codec/record-key.ts';
import { blobId } from '#common/ids.ts';
import { hasCode } from '#common/errors.ts';
import { MemoryFiles } from '#common/io/memory-files.ts';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import type { DeviceUsage } from './device-engine.ts';
import { EVERYTHING, PATH, keyOf, openOn, stateOf, textOf, eventTypes, writeMany } from './engine.fixture.ts';
import { MemoryIndexStore } from './memory-index.ts';

const BLOB = blobId('ab'.repeat(16));
const FIRST_SEGMENT = `${PATH}/log/0000000001.log`;

test('below the reserve only what frees space is taken', async () => {
  const files = new MemoryFiles();
  const { device, clock } = await openOn(files, undefined, { reserveBytes: 100_000 });
  await writeMany(device, 0, 3);
  const sink = await device.createBlob(BLOB, keyOf(1));
  await sink.write([Buffer.alloc(1000)]);
  await sink.commit();
  files.totalBytes = 100_000;
  await device.usage();
  clock.advance(1500);
  await assert.rejects(device.writeRecord(keyOf(9), stateOf(9, 10)), { code: 'device-full' });
  await assert.rejects(device.createBlob(blobId('cd'.repeat(16)), keyOf(1)), { code: 'device-full' });
  assert.equal((await device.usage()).health, 'full');
  await device.writeRecord(keyOf(1), stateOf(50, 0, false));
  await device.purgeRecord(keyOf(1), stateOf(50, 0, false).ballot);
  await device.raiseCeiling(1000);
  assert.equal(await device.deleteBlob(BLOB), true);
  assert.equal(device.readRecord(keyOf(1)), undefined);
  assert.equal(textOf(device.readRecord(keyOf(2))), textOf(stateOf(3, 500)));
  files.totalBytes = 10_000_000;
  assert.equal((await device.usage()).health, 'ok');
  await device.writeRecord(keyOf(9), stateOf(9, 10));
  await device.close();
});

test('space that runs out while a blob is written refuses the blob and leaves nothing', async () => {
  const files = new MemoryFiles();
  const { device } = await openOn(files);
  const sink = await device.createBlob(BLOB, keyOf(1));
  files.fail({ call: 'write', path: '/tmp/', nth: 2, how: 'ENOSPC' });
  await sink.write([Buffer.alloc(300_000)]);
  await assert.rejects(sink.write([Buffer.alloc(300_000)]), { code: 'device-full' });
  await sink.abort();
  assert.deepEqual(await files.list(`${PATH}/tmp`), []);
  await assert.rejects(device.openBlob(BLOB), { code: 'blob-missing' });
  await device.usage();
  const second = await device.createBlob(BLOB, keyOf(1));
  await second.write([Buffer.alloc(10)]);
  await second.commit();
  await assert.rejects(device.createBlob(BLOB, keyOf(1)), { code: 'blob-exists' });
  await device.close();
});

test('a blob that is being written, or given up, is not there: whoever comes with it is to come again', async () => {
  const files = new MemoryFiles();
  const { device } = await openOn(files);
  const sink = await device.createBlob(BLOB, keyOf(1));
  await assert.rejects(device.createBlob(BLOB, keyOf(1)), { code: 'overloaded' });
  await sink.write([Buffer.alloc(300_000)]);
  const given = sink.abort();
  for (let turn = 0; turn < 50; turn += 1) {
    const second = await device.createBlob(BLOB, keyOf(1)).catch((error: unknown) => {
      assert.ok(hasCode(error, 'overloaded'), String(error));
      return undefined;
    });
    await second?.write([Buffer.alloc(10)]);
    if (second !== undefined) break;
  }
  await given;
  assert.equal((await device.usage()).health, 'ok');
  await device.close();
});

test('a sync beside the writes of a blob that fails is not forgotten', async () => {
  const files = new MemoryFiles();
  const { device } = await openOn(files);
  const sink = await device.createBlob(BLOB, keyOf(1));
  files.fail({ call: 'sync', path: '/tmp/', nth: 1, how: 'ENOSPC' });
  for (let count = 0; count < 16; count += 1) {
    await sink.write([Buffer.alloc(1024 * 1024)]);
  }
  await device.usage();
  await assert.rejects(sink.commit(), { code: 'device-full' });
  await sink.abort();
  await assert.rejects(device.openBlob(BLOB), { code: 'blob-missing' });
  assert.deepEqual(await files.list(`${PATH}/tmp`), []);
  await device.close();
});

for (const call of ['write', 'sync'] as const) {
  for (const how of ['EIO', 'EROFS'] as const) {
    test(`a log whose ${call} fails with ${how} takes the device out; nothing is retried`, async () => {
      const files = new MemoryFiles();
      const index = new MemoryIndexStore();
      const opened = await openOn(files, index);
      const { device } = opened;
      await writeMany(device, 0, 5);
      files.fail({ call, path: '/log/', nth: 1, how });
      await assert.rejects(device.writeRecord(keyOf(3), stateOf(100, 900)), { code: 'device-failed' });
      const calls = files.calls;
      await assert.rejects(device.writeRecord(keyOf(4), stateOf(101, 900)), { code: 'device-failed' });
      assert.throws(() => device.readRecord(keyOf(1)), { code: 'device-failed' });
      await assert.rejects(device.createBlob(BLOB, keyOf(1)), { code: 'device-failed' });
      assert.equal(files.calls, calls);
      assert.deepEqual(eventTypes(opened), ['device-failed']);
      assert.equal((await device.usage()).health, 'failed');
      await device.close();
      // What the process sees when it starts again stays, also when the power fails right after.
      const again = await openOn(files.restart(), index);
      const seen = textOf(again.device.readRecord(keyOf(3)));
      assert.ok([textOf(stateOf(4, 500)), textOf(stateOf(100, 900))].includes(seen));
      await again.device.close();
    });
  }
}

test('what a failed sync left in the page cache is durable before it is served', async () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const files = new MemoryFiles();
    const index = new MemoryIndexStore();
    const first = await openOn(files, index);
    files.fail({ call: 'sync', path: '/log/', nth: 1, how: 'EIO' });
    await assert.rejects(first.device.writeRecord(keyOf(3), stateOf(100, 900)), { code: 'device-failed' });
    const restarted = files.restart();
    const second = await openOn(restarted, index);
    const seen = textOf(second.device.readRecord(keyOf(3)));
    const third = await openOn(restarted.crash(seededRandomness(seed)), index);
    assert.equal(textOf(third.device.readRecord(keyOf(3))), seen, `seed ${seed}`);
  }
});

test('a torn tail is cut off, and what is written next stands in its place', async () => {
  const files = new MemoryFiles();
  const index = new MemoryIndexStore();
  const { device } = await openOn(files, index);
  await writeMany(device, 0, 3);
  await device.close();
  const file = await files.open(FIRST_SEGMENT, 'append');
  const end = await file.size();
  const entry = Buffer.alloc(200);
  await file.read(entry, 0, 200, 64);
  await file.write([entry], end);
  const again = await openOn(files, index);
  assert.deepEqual(again.events, [{ type: 'log-tail-cut', segment: 1, offset: end, bytes: 200 }]);
  assert.equal(await file.size(), end);
  await writeMany(again.device, 3, 4);
  await again.device.close();
  const third = await openOn(files, new MemoryIndexStore());
  assert.equal((await third.device.rows({ ...EVERYTHING, limit: 10 })).length, 4);
  assert.deepEqual(eventTypes(third), ['index-rebuilt']);
  await third.device.close();
});

test('a flipped bit in a record is found when it is read, and harms no other', async () => {
  const files = new MemoryFiles();
  const opened = await openOn(files);
  const { device } = opened;
  await writeMany(device, 0, 3);
  files.flip(FIRST_SEGMENT, 64 + 20 + 100, 3);
  assert.throws(() => device.readRecord(keyOf(0)), { code: 'data-corrupt' });
  assert.deepEqual(eventTypes(opened), ['data-corrupt']);
  assert.equal(textOf(device.readRecord(keyOf(1))), textOf(stateOf(2, 500)));
  await device.writeRecord(keyOf(0), stateOf(60, 5));
  assert.equal(textOf(device.readRecord(keyOf(0))), textOf(stateOf(60, 5)));
  await device.close();
});

test('a flipped bit in what was answered is no torn tail: an index made anew loses that entry alone', async () => {
  for (const place of [64, 64 + 8, 64 + 300, 64 + 700]) {
    const files = new MemoryFiles();
    const { device } = await openOn(files, undefined, { segmentBytes: 1024 * 1024 });
    for (let number = 0; number < 5; number += 1)
      await device.writeRecord(keyOf(number), stateOf(number + 1, 500));
    await device.close();
    files.flip(FIRST_SEGMENT, place, 5);
    const again = await openOn(files, new MemoryIndexStore());
    const found = Array.from({ length: 5 }, (_, number) => again.device.readRecord(keyOf(number)));
    assert.equal(found.filter((state) => state !== undefined).length, 4, `place ${place}`);
    assert.ok(eventTypes(again).includes('data-corrupt') && !eventTypes(again).includes('log-tail-cut'));
    await again.device.close();
  }
});

test('a flipped bit in what the index does not have yet takes the device out, at every start: it would deny what it accepted', async () => {
  const files = new MemoryFiles();
  const index = new MemoryIndexStore();
  const { device } = await openOn(files, index, { segmentBytes: 1024 * 1024 });
  for (let number = 0; number < 5; number += 1)
    await device.writeRecord(keyOf(number), stateOf(number + 1, 500));
  const random = seededRandomness(9);
  const disk = files.crash(random);
  index.crash(random);
  disk.flip(FIRST_SEGMENT, 64 + 700, 5);
  for (let start = 0; start < 3; start += 1) {
    const again = await openOn(disk, index, { segmentBytes: 1024 * 1024 });
    assert.equal((await again.device.usage()).health, 'failed');
    assert.ok(eventTypes(again).includes('data-corrupt') && !eventTypes(again).includes('index-rebuilt'));
    await again.device.close();
  }
});

test('a flipped bit in a sealed segment is passed over, and compaction leaves the segment alone', async () => {
  const files = new MemoryFiles();
  const { device } = await openOn(files, undefined, { segmentBytes: 4096 });
  await writeMany(device, 0, 2, 1500);
  await writeMany(device, 2, 12, 1500);
  await device.close();
  files.flip(FIRST_SEGMENT, 1000, 1);
  const again = await openOn(files, new MemoryIndexStore(), { segmentBytes: 4096 });
  assert.ok(eventTypes(again).includes('data-corrupt'));
  assert.equal((await again.device.rows({ ...EVERYTHING, limit: 100 })).length, 11);
  await again.device.counted();
  assert.equal(await again.device.compactOne(), false);
  assert.ok(await files.exists(FIRST_SEGMENT));
  await again.device.close();
});

test('a flipped bit in a blob is found by the read that touches it, and by no other', async () => {
  const files = new MemoryFiles();
  const opened = await openOn(files);
  const { device } = opened;
  const body = seededRandomness(5).bytes(200_000);
  const sink = await device.createBlob(BLOB, keyOf(1));
  await sink.write([body]);
  await sink.commit();
  const path = `${PATH}/blobs/ab/${BLOB}`;
  files.flip(path, 4096 + 70_000, 2);
  const source = await device.openBlob(BLOB);
  const into = Buffer.alloc(200_000, 0xee);
  await source.read(into, 0, 65_536, 0);
  assert.ok(into.subarray(0, 65_536).equals(body.subarray(0, 65_536)));
  await source.read(into, 10, 68_000, 131_500);
  assert.ok(into.subarray(10, 68_010).equals(body.subarray(131_500, 199_500)));
  for (const [position, length] of [
    [65_536, 65_536],
    [100_000, 1],
    [60_000, 100_000],
    [0, 200_000],
  ] as const) {
    into.fill(0xee);
    await assert.rejects(source.read(into, 0, length, position), { code: 'data-corrupt' });
    const bad = body[70_000] ?? 0;
    assert.notEqual(into[70_000 - position], bad ^ 4, 'bytes that failed were given out');
  }
  await source.close();
  // The end of the file is checked as well.
  files.flip(path, 4096 + 200_000 + 5, 2);
  await assert.rejects(device.openBlob(BLOB), { code: 'data-corrupt' });
  assert.deepEqual(await device.listBlobs(undefined, 10), []);
  assert.equal(await device.deleteBlob(BLOB), true);
  await device.close();
});

test('a short read is an error, never bytes that were not read', async () => {
  const files = new MemoryFiles();
  const { device } = await openOn(files);
  await writeMany(device, 0, 1);
  files.fail({ call: 'readNow', nth: 1, how: 'short' });
  assert.throws(() => device.readRecord(keyOf(0)), { code: 'data-corrupt' });
  files.fail({ call: 'readNow', nth: 1, how: 'EIO' });
  assert.throws(() => device.readRecord(keyOf(0)), { code: 'device-failed' });
  await device.close();
});

test('a damaged row of the index is reported, and the next start makes the index anew', async () => {
  const files = new MemoryFiles();
  const index = new MemoryIndexStore();
  const first = await openOn(files, index);
  await writeMany(first.device, 0, 2);
  await first.device.close();
  const damaged = await index.open();
  const row = damaged.get(keyOf(1));
  assert.ok(row);
  row[20] = (row[20] ?? 0) ^ 1;
  await damaged.write([{ key: keyOf(1), value: row }], [], []);
  const second = await openOn(files, index);
  assert.throws(() => second.device.readRecord(keyOf(1)), { code: 'data-corrupt' });
  assert.equal(textOf(second.device.readRecord(keyOf(0))), textOf(stateOf(1, 500)));
  await second.device.close();
  const third = await openOn(files, index);
  assert.ok(eventTypes(third).includes('index-rebuilt'));
  assert.equal(textOf(third.device.readRecord(keyOf(1))), textOf(stateOf(2, 500)));
  await third.device.close();
});

test('damaged sums are never shown, not even after a kill, and the next start makes them anew', async () => {
  const files = new MemoryFiles();
  const index = new MemoryIndexStore();
  const shard = keyOf(1).subarray(0, SHARD_PREFIX_BYTES);
  const first = await openOn(files, index);
  await writeMany(first.device, 0, 2);
  const right = first.device.sums(shard);
  assert.deepEqual({ ...right, digest: 0n }, { objects: 2, bytes: 1000, digest: 0n });
  await first.device.close();
  const damaged = await index.open();
  const row = damaged.get(keyOf(1));
  assert.ok(row);
  row[20] = (row[20] ?? 0) ^ 1;
  await damaged.write([{ key: keyOf(1), value: row }], [], []);
  const second = await openOn(files, index);
  // The row that is replaced cannot be subtracted any more.
  await writeMany(second.device, 1, 2);
  assert.throws(() => second.device.sums(shard), { code: 'data-corrupt' });
  second.clock.advance(100);
  await new Promise((resolve) => setImmediate(resolve));
  const restarted = files.restart();
  const third = await openOn(restarted, index);
  assert.ok(eventTypes(third).includes('index-rebuilt'));
  assert.deepEqual(third.device.sums(shard), right);
  await third.device.close();
  const sums = await index.open();
  await sums.write([], [{ key: shard, value: Buffer.alloc(29, 1) }], []);
  const fourth = await openOn(restarted, index);
  assert.throws(() => fourth.device.sums(shard), { code: 'data-corrupt' });
  await fourth.device.close();
  const fifth = await openOn(restarted, index);
  assert.deepEqual(fifth.device.sums(shard), right);
  await fifth.device.close();
});

test('damaged counts are not believed: the next start makes the index anew', async () => {
  for (const key of [Buffer.alloc(0), Buffer.from([0, 0, 0, 1])]) {
    const files = new MemoryFiles();
    const index = new MemoryIndexStore();
    const first = await openOn(files, index);
    await writeMany(first.device, 0, 5);
    const right = await first.device.usage();
    await first.device.close();
    const damaged = await index.open();
    await damaged.write([], [], [{ key, value: Buffer.alloc(33, 1) }]);
    const second = await openOn(files, index);
    assert.ok(eventTypes(second).includes('index-rebuilt'));
    assert.deepEqual(await second.device.usage().then(amounts), amounts(right));
    await second.device.close();
  }
});

function amounts({ records, tombstones, logBytes, logDeadBytes }: DeviceUsage): unknown {
  return { records, tombstones, logBytes, logDeadBytes };
}

test('counts saved at a close are not believed after a crash', async () => {
  const files = new MemoryFiles();
  const index = new MemoryIndexStore();
  const first = await openOn(files, index);
  const sink = await first.device.createBlob(BLOB, keyOf(1));
  await sink.write([Buffer.alloc(1000)]);
  await sink.commit();
  await first.device.counted();
  await first.device.close();
  const second = await openOn(files, index);
  assert.equal((await second.device.usage()).blobs, 1);
  await second.device.deleteBlob(BLOB);
  const third = await openOn(files.restart(), index);
  await third.device.counted();
  assert.equal((await third.device.usage()).blobs, 0);
  await third.device.close();
});

test('a log without the identity file is refused, and so is another device', async () => {
  const files = new MemoryFiles();
  const { device } = await openOn(files);
  await device.close();
  await files.unlink(`${PATH}/device.json`);
  await assert.rejects(openOn(files), { code: 'format-invalid' });
});
