/** Recovery itself meets the next power loss: at every one of its calls, after a crash in the middle of everything. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SHARD_PREFIX_BYTES } from '#common/codec/record-key.ts';
import { hasCode } from '#common/errors.ts';
import { type BlobId, blobId } from '#common/ids.ts';
import { MemoryFiles } from '#common/io/memory-files.ts';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import type { AcceptedState } from './device-engine.ts';
import type { Device } from './device.ts';
import { EVERYTHING, PATH, keyOf, openOn, rowText, stateOf, textOf } from './engine.fixture.ts';
import { MemoryIndexStore } from './memory-index.ts';
import { RunningSums } from './shard-sums.ts';

const OPTIONS = { segmentBytes: 8192 };
const SEEDS = 2;
const KEYS = 10;
/** The first crash comes this many calls after compaction and a blob have begun. */
const CRASH_CALLS_MAX = 30;

interface Crashed {
  readonly files: MemoryFiles;
  readonly index: MemoryIndexStore;
  readonly states: ReadonlyMap<number, AcceptedState>;
  readonly committed: ReadonlyMap<BlobId, Buffer>;
  readonly underWay: BlobId;
}

/** A disk after a power loss amid writes, a compaction and an upload; the same for the same seed. */
async function crashedDisk(seed: number): Promise<Crashed> {
  const random = seededRandomness(seed);
  const files = new MemoryFiles();
  const index = new MemoryIndexStore();
  const { device, clock } = await openOn(files, index, OPTIONS);
  await device.counted();
  const states = new Map<number, AcceptedState>();
  let time = 0;
  const write = async (number: number, bytes: number, live = true): Promise<void> => {
    time += 1;
    const state = stateOf(time, bytes, live);
    await device.writeRecord(keyOf(number), state);
    states.set(number, state);
  };
  for (let turn = 0; turn < 4; turn += 1) {
    for (let number = 0; number < KEYS; number += 1)
      await write(number, 300 + random.below(500), number !== 3);
    clock.advance(25);
  }
  const tombstone = states.get(3);
  assert.ok(tombstone);
  await device.purgeRecord(keyOf(3), tombstone.ballot);
  states.delete(3);
  const committed = new Map<BlobId, Buffer>();
  for (const digit of ['1', '2']) {
    const body = random.bytes(1000 + random.below(70_000));
    await writeBlob(device, blobId(digit.repeat(32)), body);
    committed.set(blobId(digit.repeat(32)), body);
  }
  const underWay = blobId('3'.repeat(32));
  files.haltAt(files.calls + 1 + random.below(CRASH_CALLS_MAX));
  await Promise.allSettled([device.compactOne(), writeBlob(device, underWay, random.bytes(80_000))]);
  await device.close().catch(() => undefined);
  const crashed = files.crash(random);
  index.crash(random);
  return { files: crashed, index, states, committed, underWay };
}

async function writeBlob(device: Device, id: BlobId, body: Buffer): Promise<void> {
  const sink = await device.createBlob(id, keyOf(1));
  await sink.write([body]);
  await sink.commit();
}

async function verify(device: Device, crashed: Crashed, files: MemoryFiles, what: string): Promise<void> {
  const sums = new RunningSums();
  for (let number = 0; number < KEYS; number += 1) {
    const found = device.readRecord(keyOf(number));
    assert.equal(textOf(found), textOf(crashed.states.get(number)), `${what}, key ${number}`);
    if (found) sums.add(keyOf(number), found);
  }
  assert.deepEqual(device.sums(keyOf(0).subarray(0, SHARD_PREFIX_BYTES)), sums.value, what);
  for (const [id, body] of crashed.committed) {
    assert.ok((await readBlob(device, id))?.equals(body), `${what}, blob ${id}`);
  }
  const left = await readBlob(device, crashed.underWay);
  assert.ok(left === undefined || left.length === 80_000, `${what}: a blob that was not committed`);
  assert.deepEqual(await files.list(`${PATH}/tmp`), [], what);
}

async function readBlob(device: Device, id: BlobId): Promise<Buffer | undefined> {
  try {
    const source = await device.openBlob(id);
    const body = Buffer.alloc(source.lengthBytes);
    await source.read(body, 0, body.length, 0);
    await source.close();
    return body;
  } catch (error) {
    if (!hasCode(error, 'blob-missing')) throw error;
    return undefined;
  }
}

async function rowsOf(device: Device): Promise<string[]> {
  return (await device.rows({ ...EVERYTHING, limit: 1000 })).map(rowText);
}

/** Recovers with a stop at that call, loses power again, and recovers for good; whether the first recovery came to its end. */
async function recoverTwice(seed: number, call: number): Promise<boolean> {
  const crashed = await crashedDisk(seed);
  const random = seededRandomness(seed * 1000 + call);
  const what = `seed ${seed}, power lost at call ${call} of the recovery`;
  crashed.files.haltAt(crashed.files.calls + call);
  const first = await openOn(crashed.files, crashed.index, OPTIONS).catch(() => undefined);
  const finished = first !== undefined && !crashed.files.halted;
  await first?.device.close().catch(() => undefined);
  const files = crashed.files.crash(random);
  crashed.index.crash(random);
  const second = await openOn(files, crashed.index, OPTIONS);
  await verify(second.device, crashed, files, what);
  const rows = await rowsOf(second.device);
  await second.device.close();
  const made = await openOn(files, new MemoryIndexStore(), OPTIONS);
  assert.deepEqual(await rowsOf(made.device), rows, `${what}: the index equals the log`);
  await made.device.close();
  return finished;
}

test('a recovery that power loss interrupts at any call is made again, and nothing is lost', async (context) => {
  let recoveries = 0;
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    for (let call = 1; !(await recoverTwice(seed, call)); call += 1) recoveries += 1;
  }
  context.diagnostic(`${recoveries} recoveries were interrupted`);
  assert.ok(recoveries > 50, String(recoveries));
});
