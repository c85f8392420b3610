/**
 * Random operations on a disk in memory that stops at a random call, by a kill or a power loss, again and again.
 * HOLDFAST_SEED runs one seed, HOLDFAST_SEEDS that many.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RecordKey, SHARD_PREFIX_BYTES } from '#common/codec/record-key.ts';
import { hasCode } from '#common/errors.ts';
import { type BlobId, blobId } from '#common/ids.ts';
import { MemoryFiles } from '#common/io/memory-files.ts';
import type { Randomness } from '#common/io/randomness.ts';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import type { AcceptedState } from './device-engine.ts';
import type { Device } from './device.ts';
import {
  EVERYTHING,
  PATH,
  type TestDevice,
  keyOf,
  openOn,
  rowText,
  stateOf,
  textOf,
} from './engine.fixture.ts';
import { MemoryIndexStore } from './memory-index.ts';
import { RunningSums } from './shard-sums.ts';

const SEEDS = Number(process.env['HOLDFAST_SEEDS'] ?? 100);
const ONLY_SEED = process.env['HOLDFAST_SEED'];
const ROUNDS = 3;
const WORKERS = 4;
const KEYS_OF_WORKER = 4;
const SEGMENT_BYTES = 12 * 1024;
const SHARDS = 3;

/** What a key may hold: the last answer, and what was asked for since and not answered. */
interface Known {
  answered: AcceptedState | undefined;
  asked: (AcceptedState | undefined)[];
}

type BlobKnown = { readonly body: Buffer; state: 'asked' | 'there' | 'deleted' };

class World {
  readonly random: Randomness;
  readonly keys: Known[] = Array.from({ length: WORKERS * KEYS_OF_WORKER }, () => ({
    answered: undefined,
    asked: [],
  }));
  readonly blobs = new Map<BlobId, BlobKnown>();
  files = new MemoryFiles();
  index = new MemoryIndexStore();
  time = 10;
  ceilingAnswered = 0;
  ceilingAsked = 0;

  constructor(seed: number) {
    this.random = seededRandomness(seed);
  }

  chance(part: number): boolean {
    return this.random.below(1000) < part * 1000;
  }

  /** The machine stops and starts again. */
  stop(): void {
    if (this.chance(0.5)) {
      this.files = this.files.restart();
      // A killed process loses nothing that it had given to LevelDB.
    } else {
      this.files = this.files.crash(this.random);
      this.index.crash(this.random);
    }
    if (this.chance(0.1)) this.index = new MemoryIndexStore();
  }
}

async function work(world: World, opened: TestDevice, worker: number, stopped: () => boolean): Promise<void> {
  while (!stopped()) {
    try {
      // Each worker does one thing after another, so that operations of a key are in order.
      await step(world, opened, worker);
    } catch (error) {
      if (!stopped()) throw error;
    }
  }
}

async function step(world: World, { device, clock }: TestDevice, worker: number): Promise<void> {
  const number = worker * KEYS_OF_WORKER + world.random.below(KEYS_OF_WORKER);
  const choice = world.random.below(20);
  if (choice < 11) return writeOne(world, device, number);
  if (choice < 14) return purgeOne(world, device, number);
  if (choice === 14) return raise(world, device);
  if (choice < 17) return worker === 0 ? void (await device.compactOne()) : blobStep(world, device);
  if (choice === 17) return clock.advance(25);
  assert.equal(textOf(device.readRecord(keyInShard(number))), textOf(world.keys[number]?.answered));
  verifySums(world, device);
}

/** What a device has summed up is what its records add up to, counted one by one. */
function verifySums(world: World, device: Device): void {
  const counted = Array.from({ length: SHARDS }, () => new RunningSums());
  for (const number of world.keys.keys()) {
    const key = keyInShard(number);
    const state = device.readRecord(key);
    if (state) counted[number % SHARDS]?.add(key, state);
  }
  assert.deepEqual(
    counted.map((_, shard) => device.sums(keyInShard(shard).subarray(0, SHARD_PREFIX_BYTES))),
    counted.map((sums) => sums.value),
  );
}

function keyInShard(number: number): RecordKey {
  return keyOf(number, number % SHARDS);
}

async function writeOne(world: World, device: Device, number: number): Promise<void> {
  const known = world.keys[number] as Known;
  world.time += 1;
  const state = stateOf(
    world.time,
    world.random.below(6) === 0 ? 4000 : world.random.below(400),
    world.chance(0.7),
  );
  known.asked.push(state);
  await device.writeRecord(keyInShard(number), state);
  known.answered = state;
  known.asked = [];
}

async function purgeOne(world: World, device: Device, number: number): Promise<void> {
  const known = world.keys[number] as Known;
  if (!known.answered || known.answered.live) return;
  known.asked.push(undefined);
  await device.purgeRecord(keyInShard(number), known.answered.ballot);
  known.answered = undefined;
  known.asked = [];
}

async function raise(world: World, device: Device): Promise<void> {
  world.ceilingAsked += 1 + world.random.below(5);
  const clock = world.ceilingAsked;
  await device.raiseCeiling(clock);
  world.ceilingAnswered = Math.max(world.ceilingAnswered, clock);
}

async function blobStep(world: World, device: Device): Promise<void> {
  if (world.chance(0.3)) {
    const [id] = Array.from(world.blobs).find(([, { state }]) => state === 'there') ?? [];
    const known = id && world.blobs.get(id);
    if (!known) return;
    known.state = 'deleted';
    assert.equal(await device.deleteBlob(id), true);
    return;
  }
  const id = blobId(world.random.bytes(16).toString('hex'));
  const body = world.random.bytes(world.random.below(4) === 0 ? 70_000 : world.random.below(3000));
  const known: BlobKnown = { body, state: 'asked' };
  world.blobs.set(id, known);
  const sink = await device.createBlob(id, keyOf(1));
  const cut = world.random.below(body.length + 1);
  await sink.write([body.subarray(0, cut)]);
  await sink.write([body.subarray(cut)]);
  if (world.chance(0.2)) {
    world.blobs.delete(id);
    return sink.abort();
  }
  await sink.commit();
  known.state = 'there';
}

async function verify(world: World, device: Device): Promise<void> {
  for (const [number, known] of world.keys.entries()) {
    const found = device.readRecord(keyInShard(number));
    const allowed = [known.answered, ...known.asked].map(textOf);
    assert.ok(
      allowed.includes(textOf(found)),
      `key ${number}: ${textOf(found)} is none of ${allowed.join(' | ')}`,
    );
    // What has been seen must stay.
    known.answered = found && structuredCopy(found);
    known.asked = [];
  }
  verifySums(world, device);
  assert.ok(device.floor >= world.ceilingAnswered, `floor ${device.floor} < ${world.ceilingAnswered}`);
  assert.ok(device.floor <= world.ceilingAsked);
  world.ceilingAnswered = device.floor;
  await Promise.all(Array.from(world.blobs, ([id, known]) => verifyBlob(world, device, id, known)));
  assert.deepEqual(await world.files.list(`${PATH}/tmp`), []);
}

async function verifyBlob(world: World, device: Device, id: BlobId, known: BlobKnown): Promise<void> {
  try {
    const source = await device.openBlob(id);
    const body = Buffer.alloc(source.lengthBytes);
    await source.read(body, 0, body.length, 0);
    await source.close();
    assert.ok(body.equals(known.body), `blob ${id}`);
    if (known.state === 'asked') world.blobs.delete(id);
  } catch (error) {
    if (!hasCode(error, 'blob-missing')) throw error;
    assert.notEqual(known.state, 'there', `blob ${id} is lost`);
    world.blobs.delete(id);
  }
}

function structuredCopy(state: AcceptedState): AcceptedState {
  return { ...state, summary: Buffer.from(state.summary), content: Buffer.from(state.content) };
}

async function rowsOf(device: Device): Promise<string[]> {
  return (await device.rows({ ...EVERYTHING, limit: 10_000 })).map(rowText);
}

/** Opens the device; a machine that stops while it is opened is started once more. */
async function openAgain(world: World): Promise<TestDevice> {
  for (let attempt = 0; ; attempt += 1) {
    if (attempt < 2 && world.chance(0.3)) world.files.haltAt(world.files.calls + world.random.below(40));
    try {
      const opened = await openOn(world.files, world.index, { segmentBytes: SEGMENT_BYTES });
      if (!world.files.halted) {
        world.files.haltAt(Number.POSITIVE_INFINITY);
        return opened;
      }
    } catch (error) {
      if (!world.files.halted) throw error;
    }
    world.stop();
  }
}

async function live(seed: number): Promise<void> {
  const world = new World(seed);
  for (let round = 0; round < ROUNDS; round += 1) {
    const opened = await openAgain(world);
    await verify(world, opened.device);
    assert.deepEqual(surprises(opened), []);
    const stopAt = world.files.calls + 1 + world.random.below(400);
    world.files.haltAt(stopAt);
    const stopped = (): boolean => world.files.halted;
    await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(world, opened, worker, stopped)));
    await opened.device.close().catch(() => undefined);
    world.stop();
  }
  await verifyIndexEqualsLog(world);
}

function surprises({ events }: TestDevice): unknown[] {
  return events.filter((event) => {
    // A device is out when its log lacks what the index knows of: compaction must never take that.
    return event.type === 'data-corrupt' || event.type === 'device-failed';
  });
}

/** The rows of the index that lived through everything are those of one made from the whole log. */
async function verifyIndexEqualsLog(world: World): Promise<void> {
  const lived = await openOn(world.files, world.index, { segmentBytes: SEGMENT_BYTES });
  await verify(world, lived.device);
  assert.deepEqual(surprises(lived), []);
  const rows = await rowsOf(lived.device);
  await lived.device.counted();
  const usage = await lived.device.usage();
  await lived.device.close();
  const made = await openOn(world.files, new MemoryIndexStore(), { segmentBytes: SEGMENT_BYTES });
  assert.deepEqual(await rowsOf(made.device), rows);
  await made.device.counted();
  const usageMade = await made.device.usage();
  assert.equal(usageMade.records, usage.records);
  assert.equal(usageMade.tombstones, usage.tombstones);
  assert.equal(usage.records + usage.tombstones, rows.length);
  await verify(world, made.device);
  await made.device.close();
}

test('whatever the moment of a crash, what was answered is there, whole, and nothing purged returns', async () => {
  const seeds =
    ONLY_SEED === undefined ? Array.from({ length: SEEDS }, (_, index) => index + 1) : [Number(ONLY_SEED)];
  for (const seed of seeds) {
    try {
      await live(seed);
    } catch (error) {
      throw new Error(`HOLDFAST_SEED=${seed}: ${String(error)}`, { cause: error });
    }
  }
});
