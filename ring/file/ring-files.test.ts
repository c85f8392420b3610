import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { crc32c } from '@node-rs/crc32';
import fc from 'fast-check';
import { hasCode } from '#common/errors.ts';
import { deviceId } from '#common/ids.ts';
import { realFiles } from '#common/io/real-files.ts';
import { arbitraryDevices, balancedBuilder, deviceAt } from '../arbitrary-devices.ts';
import { RingBuilder } from '../builder.ts';
import { beginMoves, finishMoves } from '../moves.ts';
import { createSingleHostRing } from '../single-host-ring.ts';
import { encodeBuilder, readBuilder } from './builder-file.ts';
import { ringHeader } from './ring-format.ts';
import { loadBuilder, loadRing, ringPaths, saveRing } from './ring-files.ts';
import { readRing } from './ring-reader.ts';
import { encodeRing } from './ring-writer.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-ring-'));
after(() => rmSync(folder, { recursive: true }));
const invalid = (error: unknown): boolean => hasCode(error, 'format-invalid');

const devices = [
  deviceAt({ host: 'größe' }),
  deviceAt({ zone: 2, weight: 0.1 }),
  deviceAt({ region: 65_535 }),
];
const builder = balancedBuilder(devices, { partitionPower: 3, replicas: 2.5 });
builder.remove(builder.state.devices[1]?.id ?? assert.fail());
builder.add(deviceAt({ rack: 3, address: { host: '::1', port: 65_535 } }));
builder.rebalance({ nowMs: 1e12 });
const file = encodeRing(builder.ringTable());

/** The file with a change that its checksum knows of: only the checks behind it can find the fault. */
function resealed(change: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(file);
  change(bytes);
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, -4)), bytes.length - 4);
  return bytes;
}

describe('the ring file', () => {
  test('gives back the ring that was written', () => {
    fc.assert(
      fc.property(arbitraryDevices([50, 100]), fc.constantFrom(1, 2.5, 3), (places, replicas) => {
        const ring = balancedBuilder(places, { partitionPower: 4, replicas });
        const written = ring.ring();
        const read = readRing(encodeRing(ring.ringTable()));
        for (let partition = 0; partition < 16; partition++) {
          assert.deepEqual(read.members(partition), written.members(partition));
          assert.equal(read.epoch(partition), written.epoch(partition));
        }
        assert.deepEqual(read.devices, written.devices);
        assert.equal(read.version, written.version);
        assert.equal(read.replicas, replicas);
      }),
    );
  });

  test('keeps names, weights and addresses as they are, and gaps where devices went', () => {
    const read = readRing(file);
    assert.equal(read.devices[0]?.host, 'größe');
    assert.equal(read.devices[1], undefined);
    assert.deepEqual(read.devices[3]?.address, { host: '::1', port: 65_535 });
  });

  test('is refused with any bit of any byte flipped', () => {
    for (let at = 0; at < file.length; at++) {
      const bytes = Buffer.from(file);
      bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (at % 8)), at);
      assert.throws(() => readRing(bytes), invalid, `byte ${at}`);
    }
  });

  test('is refused cut off anywhere, and with anything behind it', () => {
    for (let length = 0; length < file.length; length++)
      assert.throws(() => readRing(file.subarray(0, length)), invalid);
    assert.throws(() => readRing(Buffer.concat([file, Buffer.alloc(1)])), invalid);
  });

  test('is refused when its checksum is right and its content is not', () => {
    const faults: Record<string, (bytes: Buffer) => void> = {
      'a format to come': (bytes) => bytes.writeUInt16LE(3, ringHeader.formatVersion),
      'too many partitions': (bytes) => bytes.writeUInt8(21, ringHeader.partitionPower),
      'too many tables': (bytes) => bytes.writeUInt8(17, ringHeader.tables),
      'a last table that is too long': (bytes) => bytes.writeUInt32LE(0xffff_ffff, ringHeader.lastTable),
      'no last table': (bytes) => bytes.writeUInt32LE(0, ringHeader.lastTable),
      'more devices than bytes': (bytes) => bytes.writeUInt32LE(60_000, ringHeader.devices),
      'too many devices': (bytes) => bytes.writeUInt32LE(0xffff_ffff, ringHeader.devices),
      'replicas that are no number': (bytes) => bytes.writeDoubleLE(Number.NaN, ringHeader.replicas),
      'a device twice': (bytes) => bytes.writeUInt16LE(2, 36),
      'a weight below 0': (bytes) => bytes.writeDoubleLE(-1, 44),
      'a name that runs over the end': (bytes) => bytes.writeUInt8(255, 54),
      'a member that is no device': (bytes) => bytes.writeUInt16LE(1, bytes.length - 4 - 4 - 32 - 2),
    };
    for (const [fault, change] of Object.entries(faults))
      assert.throws(() => readRing(resealed(change)), invalid, fault);
    assert.ok(readRing(resealed(() => undefined)));
  });

  test('never makes anything but a refusal of random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat({ max: 35 }), (noise, keep) => {
        const bytes = resealed((copy) => copy.set(noise.subarray(0, copy.length - 4 - keep), keep));
        try {
          readRing(bytes);
        } catch (error) {
          assert.ok(invalid(error), String(error));
        }
      }),
    );
  });
});

describe('the builder file', () => {
  test('gives back the builder that was written', () => {
    assert.deepEqual(readBuilder(encodeBuilder(builder)).state, builder.state);
    const empty = RingBuilder.create();
    assert.deepEqual(readBuilder(encodeBuilder(empty)).state, empty.state);
  });

  test('is refused when anything in it was changed, and taken when it was only laid out anew', () => {
    const text = encodeBuilder(builder).toString();
    assert.ok(readBuilder(Buffer.from(JSON.stringify(JSON.parse(text)))));
    for (const [from, to] of [
      ['"replicas": 2.5', '"replicas": 2'],
      ['"holdfast ring builder"', '"a ring builder"'],
      ['"formatVersion": 2', '"formatVersion": 3'],
      ['"größe"', '"grösse"'],
      ['}', ''],
    ] as const) {
      assert.ok(text.includes(from));
      assert.throws(() => readBuilder(Buffer.from(text.replace(from, to))), invalid, from);
    }
  });

  test('is refused when its checksum is right and its content is not', () => {
    const { body } = JSON.parse(encodeBuilder(builder).toString()) as { body: Record<string, unknown> };
    const faults: Record<string, unknown> = {
      partitionPower: 4,
      replicas: 0,
      overload: '1',
      nextDeviceId: 2,
      devices: [...(body.devices as unknown[]), {}],
      rows: ['AAA'],
      epochs: 'not base64!',
      movedSeconds: null,
    };
    for (const [key, fault] of Object.entries(faults)) {
      const changed = { ...body, [key]: fault };
      const checksum = crc32c(JSON.stringify(changed)).toString(16).padStart(8, '0');
      const text = JSON.stringify({
        format: 'holdfast ring builder',
        formatVersion: 1,
        checksum,
        body: changed,
      });
      assert.throws(() => readBuilder(Buffer.from(text)), invalid, key);
    }
  });
});

describe('a data directory', () => {
  const addressOf = (device: number) => ({ host: '127.0.0.1', port: 21100 + device });

  test('keeps the builder and its ring, replaced as a whole, with nothing left beside them', async () => {
    const files = realFiles();
    const paths = ringPaths(folder);
    const first = createSingleHostRing({ devices: 4, zones: 4, partitionPower: 4, addressOf });
    await saveRing(files, folder, first.builder);
    // What a crash in the midst of an earlier change has left.
    writeFileSync(`${paths.ring}.new`, 'half a ring');
    const next = await loadBuilder(files, paths.builder);
    next.growPartitionPower();
    await saveRing(files, folder, next);
    assert.equal((await loadRing(files, paths.ring)).version, 2);
    assert.deepEqual(readdirSync(paths.folder).toSorted(), ['builder.json', 'ring']);
  });

  test('names the file that is not what it should be', async () => {
    const path = join(folder, 'damaged');
    writeFileSync(path, readFileSync(ringPaths(folder).ring).subarray(1));
    await assert.rejects(
      loadRing(realFiles(), path),
      (error: Error) => invalid(error) && error.message.includes(path),
    );
  });
});

describe('a ring in which partitions move', () => {
  const moving = balancedBuilder([deviceAt({ zone: 1 }), deviceAt({ zone: 2 }), deviceAt({ zone: 3 })], {
    partitionPower: 3,
  });
  moving.add(deviceAt({ zone: 4 }));
  moving.rebalance({ nowMs: 1e12, holdsData: true });
  const [first] = moving.state.moves;
  assert.ok(first !== undefined);
  const begun = new RingBuilder(beginMoves(moving.state, new Set([first.partition])));

  test('says in its file which device joins which partition', () => {
    const ring = readRing(encodeRing(begun.ringTable()));
    assert.deepEqual(ring.voters(first.partition), [...ring.members(first.partition), first.device]);
    const others = Array.from({ length: 8 }, (_, at) => at).filter((at) => at !== first.partition);
    for (const partition of others) assert.equal(ring.voters(partition), ring.members(partition));
  });

  test('keeps in its builder what is planned, begun and to be dropped', () => {
    const finished = new RingBuilder(finishMoves(begun.state, new Set([first.partition]), 2e12));
    for (const one of [moving, begun, finished])
      assert.deepEqual(readBuilder(encodeBuilder(one)).state, one.state);
  });

  test('is refused when a move makes no sense', () => {
    const table = begun.ringTable();
    const { partition, row, device } = first;
    for (const moves of [
      [{ partition: 8, row, device }],
      [{ partition, row: 3, device }],
      [{ partition, row, device: deviceId(9) }],
      [{ partition, row, device: deviceId(0) }],
      [first, first],
    ])
      assert.throws(() => encodeRing({ ...table, moves }), invalid);
  });

  test('was without moves in format 1', () => {
    const plain = encodeRing(moving.ringTable());
    const older = Buffer.from(Buffer.concat([plain.subarray(0, -8), plain.subarray(-4)]));
    older.writeUInt16LE(1, ringHeader.formatVersion);
    older.writeUInt32LE(older.length, ringHeader.fileBytes);
    older.writeUInt32LE(crc32c(older.subarray(0, -4)), older.length - 4);
    assert.equal(readRing(older).version, moving.state.version);
  });
});
