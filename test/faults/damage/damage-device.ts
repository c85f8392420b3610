/** What time and accidents do to a device that nobody looks after: bits that flip, files that lose their end, files that are gone. */
import { readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { recordKinds } from '#common/codec/record-key.ts';
import type { Randomness } from '#common/io/randomness.ts';
import { realClock } from '#common/io/real-clock.ts';
import { realFiles } from '#common/io/real-files.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import { hasCode } from '#common/errors.ts';
import { openDevice } from '#storage-node/engine/open-device.ts';

const SEGMENT_HEADER_BYTES = 64;
/** Behind the 16 bytes of the space. */
const KIND_AT = 16;
const END = Buffer.alloc(20, 0xff);

export interface Damage {
  flippedBlobs: number;
  shortBlobs: number;
  missingBlobs: number;
  flipsInLog: number;
}

/** @param flipsInLog bits of the log to turn over, anywhere behind the first segment's header. */
export function damageDevice(path: string, random: Randomness, flipsInLog: number): Damage {
  const damage: Damage = { flippedBlobs: 0, shortBlobs: 0, missingBlobs: 0, flipsInLog };
  for (const file of blobFiles(path)) {
    switch (random.below(4)) {
      case 0:
        damage.missingBlobs += 1;
        rmSync(file);
        break;
      case 1:
        damage.shortBlobs += 1;
        truncateSync(file, random.below(statSync(file).size));
        break;
      default:
        damage.flippedBlobs += 1;
        flip(file, 0, random);
    }
  }
  const segments = readdirSync(join(path, 'log')).filter((name) => name.endsWith('.log'));
  for (let count = 0; count < flipsInLog; count += 1) {
    const segment = segments[random.below(segments.length)] ?? '';
    flip(join(path, 'log', segment), SEGMENT_HEADER_BYTES, random);
  }
  return damage;
}

/** Takes the end of a device's log away. */
export function cutLog(path: string): void {
  const segments = readdirSync(join(path, 'log')).filter((name) => name.endsWith('.log'));
  const last = join(path, 'log', segments.toSorted().at(-1) ?? '');
  truncateSync(last, Math.floor(statSync(last).size / 2));
}

function blobFiles(path: string): string[] {
  const blobs = join(path, 'blobs');
  return readdirSync(blobs).flatMap((folder) =>
    readdirSync(join(blobs, folder)).map((name) => join(blobs, folder, name)),
  );
}

function flip(file: string, from: number, random: Randomness): void {
  const bytes = readFileSync(file);
  const at = from + random.below(bytes.length - from);
  bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
  writeFileSync(file, bytes);
}

export interface DeviceState {
  records: number;
  unreadableRecords: number;
  blobs: number;
  unreadableBlobs: number;
}

/** Reads all objects and blobs that a device has; nobody may serve it meanwhile. */
export async function inspectDevice(path: string): Promise<DeviceState> {
  const device = await openDevice({
    path,
    files: realFiles(),
    clock: realClock(),
    randomness: realRandomness(),
    reserveBytes: 0,
    compacts: false,
  });
  const state: DeviceState = { records: 0, unreadableRecords: 0, blobs: 0, unreadableBlobs: 0 };
  for (const { key } of await device.rows({ from: Buffer.alloc(0), to: END, limit: 10_000 })) {
    if (key[KIND_AT] !== recordKinds.object) continue;
    state.records += 1;
    if (await isDamaged(async () => device.readRecord(key))) state.unreadableRecords += 1;
  }
  for (const id of await device.blobIds(undefined, 10_000)) {
    state.blobs += 1;
    const read = async (): Promise<void> => {
      const source = await device.openBlob(id);
      try {
        await source.read(Buffer.alloc(source.lengthBytes), 0, source.lengthBytes, 0);
      } finally {
        await source.close();
      }
    };
    if (await isDamaged(read)) state.unreadableBlobs += 1;
  }
  await device.close();
  return state;
}

async function isDamaged(read: () => Promise<unknown>): Promise<boolean> {
  try {
    await read();
    return false;
  } catch (error) {
    if (!hasCode(error, 'data-corrupt')) throw error;
    return true;
  }
}
