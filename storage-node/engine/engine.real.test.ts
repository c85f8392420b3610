/** The engine on the machine's disk with LevelDB. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { blobId, deviceId } from '#common/ids.ts';
import { pageMemory } from '#common/io/page-memory.ts';
import { realClock } from '#common/io/real-clock.ts';
import { realFiles } from '#common/io/real-files.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import type { DeviceEvent } from './device-events.ts';
import type { Device } from './device.ts';
import { EVERYTHING, keyOf, killedState, rowText, stateOf, textOf } from './engine.fixture.ts';
import { MemoryIndexStore } from './memory-index.ts';
import { type OpenDeviceOptions, openDevice } from './open-device.ts';

const KILLS = 3;

async function folderFor(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-engine-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'device');
}

function optionsFor(path: string, events: DeviceEvent[] = []): OpenDeviceOptions {
  return {
    path,
    files: realFiles(),
    clock: realClock(),
    randomness: realRandomness(),
    reserveBytes: 0,
    segmentBytes: 256 * 1024,
    report: (event) => events.push(event),
  };
}

async function writeMany(device: Device, count: number, time: number): Promise<void> {
  const numbers = Array.from({ length: count }, (_, number) => number);
  await Promise.all(numbers.map((number) => device.writeRecord(keyOf(number), stateOf(time + number, 800))));
}

async function rowsOf(device: Device): Promise<string[]> {
  return (await device.rows({ ...EVERYTHING, limit: 10_000 })).map(rowText);
}

test('a device keeps everything from one opening to the next', async (context) => {
  const path = await folderFor(context);
  const id = blobId('0f'.repeat(16));
  const body = realRandomness().bytes(1_000_000);
  const first = await openDevice({ ...optionsFor(path), device: deviceId(4) });
  await writeMany(first, 500, 1);
  await writeMany(first, 300, 1000);
  await first.raiseCeiling(777);
  const sink = await first.createBlob(id, keyOf(3));
  for (let at = 0; at < body.length; at += 33_333) {
    await sink.write([body.subarray(at, at + 33_333)]);
  }
  await sink.commit();
  await first.counted();
  while (await first.compactOne());
  const usage = await first.usage();
  await first.close();
  const second = await openDevice({ ...optionsFor(path), device: deviceId(4) });
  assert.equal(second.floor, 777);
  for (let number = 0; number < 500; number += 1) {
    const time = number < 300 ? 1000 : 1;
    assert.equal(textOf(second.readRecord(keyOf(number))), textOf(stateOf(time + number, 800)));
  }
  const { records, blobs, blobBytes, logDeadBytes } = await second.usage();
  assert.deepEqual([records, blobs, blobBytes], [500, 1, usage.blobBytes]);
  assert.equal(logDeadBytes, usage.logDeadBytes);
  const source = await second.openBlob(id);
  const read = Buffer.alloc(body.length);
  await source.read(read, 0, body.length, 0);
  assert.ok(read.equals(body));
  await source.close();
  const [info] = await second.listBlobs(undefined, 10);
  assert.deepEqual([info?.id, info?.lengthBytes, info?.owner.equals(keyOf(3))], [id, body.length, true]);
  assert.deepEqual(await second.listBlobs(id, 10), []);
  await second.close();
  await assert.rejects(openDevice({ ...optionsFor(path), device: deviceId(5) }), {
    code: 'configuration-invalid',
  });
});

for (const uncached of [undefined, false, true])
  test(`a long blob is read as it was written, past the cache or not: uncached ${uncached}`, async (context) => {
    const device = await openDevice({ ...optionsFor(await folderFor(context)), device: deviceId(4) });
    const id = blobId('1e'.repeat(16));
    const bytes = 6 * 1024 * 1024 + 4097;
    // Pages of memory, as bodies lie in: what a disk takes as it is.
    const body = Buffer.from(pageMemory(7 * 1024 * 1024).buffer, 0, bytes);
    realRandomness().bytes(bytes).copy(body);
    const sink = await device.createBlob(id, keyOf(3), uncached);
    const piece = 256 * 1024;
    for (let at = 0; at < bytes; at += 2 * piece) {
      const pieces = [body.subarray(at, at + piece), body.subarray(at + piece, at + 2 * piece)];
      await sink.write(pieces.filter(({ length }) => length > 0));
    }
    await sink.commit();
    const source = await device.openBlob(id);
    const read = Buffer.alloc(bytes);
    await source.read(read, 0, bytes, 0);
    assert.ok(read.equals(body));
    // Over the place from which on it goes past the cache.
    const from = 4 * 1024 * 1024 - 150_000;
    await source.read(read, 0, 300_000, from);
    assert.ok(read.subarray(0, 300_000).equals(body.subarray(from, from + 300_000)));
    await source.close();
    await device.close();
  });

test('a device is opened once', async (context) => {
  const path = await folderFor(context);
  const device = await openDevice(optionsFor(path));
  await assert.rejects(openDevice(optionsFor(path)), /held/);
  await device.close();
  await (await openDevice(optionsFor(path))).close();
});

const damages: [string, (folder: string) => Promise<void>][] = [
  ['missing', (folder) => rm(folder, { recursive: true })],
  ['without a manifest', (folder) => writeFile(join(folder, 'CURRENT'), 'nothing\n')],
  [
    'with tables and logs cut short',
    async (folder) => {
      const names = (await readdir(folder)).filter((name) => /\.(ldb|log)$|^MANIFEST/.test(name));
      await Promise.all(names.map((name) => truncate(join(folder, name), 7)));
    },
  ],
];
for (const [what, damage] of damages) {
  test(`a LevelDB that is ${what} is made anew from the log`, async (context) => {
    const path = await folderFor(context);
    const first = await openDevice(optionsFor(path));
    await writeMany(first, 400, 1);
    const rows = await rowsOf(first);
    await first.close();
    await damage(join(path, 'index'));
    const events: DeviceEvent[] = [];
    const second = await openDevice(optionsFor(path, events));
    assert.deepEqual(
      events.map(({ type }) => type),
      ['index-rebuilt'],
    );
    assert.deepEqual(await rowsOf(second), rows);
    await second.close();
  });
}

test('a process that is killed while it writes has lost nothing that it answered', async (context) => {
  const path = await folderFor(context);
  const answered = new Map<number, number>();
  for (let kill = 0; kill < KILLS; kill += 1) {
    await writeUntilKilled(path, kill, answered);
    const events: DeviceEvent[] = [];
    const device = await openDevice(optionsFor(path, events));
    assert.deepEqual(
      events.filter(({ type }) => type === 'data-corrupt' || type === 'index-rebuilt'),
      [],
    );
    for (const [number, time] of answered) {
      const found = device.readRecord(keyOf(number));
      assert.ok(found && found.ballot.clock >= time, `key ${number}: ${found?.ballot.clock} < ${time}`);
      assert.equal(textOf(found), textOf(killedState(found.ballot.clock)));
    }
    const rows = await rowsOf(device);
    await device.close();
    const made = await openDevice({ ...optionsFor(path), index: new MemoryIndexStore() });
    assert.deepEqual(await rowsOf(made), rows);
    await made.close();
  }
});

/** Runs the writing process, notes what it reports as answered, and kills it in the middle. */
async function writeUntilKilled(path: string, kill: number, answered: Map<number, number>): Promise<void> {
  const script = fileURLToPath(new URL('./engine.killed-writer.fixture.ts', import.meta.url));
  const child = spawn(process.execPath, [script, path, String(kill)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  let lines = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [number, time] = line.split(' ').map(Number);
    // The last line may have been cut by the kill.
    if (number !== undefined && time !== undefined && line.endsWith(' .')) answered.set(number, time);
    lines += 1;
    if (lines === 700 + kill * 300) child.kill('SIGKILL');
  }
  await ended;
}
