/** A device that nobody serves: its index, as LevelDB has it after recovery, against one that is made anew from its log. */
import assert from 'node:assert/strict';
import { realClock } from '#common/io/real-clock.ts';
import { realFiles } from '#common/io/real-files.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import type { DeviceEvent } from '#storage-node/engine/device-events.ts';
import type { Device } from '#storage-node/engine/device.ts';
import { MemoryIndexStore } from '#storage-node/engine/memory-index.ts';
import { type OpenDeviceOptions, openDevice } from '#storage-node/engine/open-device.ts';

const ROWS_AT_ONCE = 10_000;
const END = Buffer.alloc(20, 0xff);

export async function verifyIndexEqualsLog(path: string): Promise<void> {
  const events: DeviceEvent[] = [];
  const options: OpenDeviceOptions = {
    path,
    files: realFiles(),
    clock: realClock(),
    randomness: realRandomness(),
    reserveBytes: 0,
    compacts: false,
    report: (event) => events.push(event),
  };
  const lived = await openDevice(options);
  const rows = await rowsOf(lived);
  await lived.close();
  const bad = events.filter(({ type }) => type === 'data-corrupt' || type === 'index-rebuilt');
  assert.deepEqual(bad, [], `the recovery of ${path}`);
  const made = await openDevice({ ...options, index: new MemoryIndexStore() });
  assert.deepEqual(await rowsOf(made), rows, `the index of ${path}`);
  await made.close();
}

async function rowsOf(device: Device): Promise<string[]> {
  const rows = await device.rows({ from: Buffer.alloc(0), to: END, limit: ROWS_AT_ONCE });
  return rows.map(
    ({ key, ballot, live, summary }) =>
      `${key.toString('hex')} ${ballot.clock}.${ballot.writer} ${live} ${summary.toString('hex')}`,
  );
}
