/** What the engine's tests share: keys, states that can be recognised, and a device on a disk in memory. */
import { type RecordKey, recordKey, recordKinds } from '#common/codec/record-key.ts';
import { spaceId } from '#common/ids.ts';
import { ManualClock } from '#common/io/manual-clock.ts';
import type { MemoryFiles } from '#common/io/memory-files.ts';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import type { AcceptedState, IndexRow } from './device-engine.ts';
import type { DeviceEvent } from './device-events.ts';
import type { Device } from './device.ts';
import { MemoryIndexStore } from './memory-index.ts';
import { openDevice } from './open-device.ts';
import { NOTHING_COUNTED } from '../protocol/accepted-state.ts';

export const PATH = '/disks/one';
export const EVERYTHING = { from: Buffer.alloc(0), to: Buffer.alloc(20, 0xff) };

const SPACE = spaceId('5a'.repeat(16));
const WRITER = 77;

export function keyOf(number: number, shard = 0): RecordKey {
  return recordKey(SPACE, recordKinds.object, shard, `name ${String(number).padStart(6, '0')}`);
}

/** A state whose every byte follows from its ballot's clock and length. */
export function stateOf(clock: number, contentBytes: number, live = true): AcceptedState {
  const ballot = { clock, writer: WRITER };
  const id = clock.toString(16).padStart(32, '0');
  const history = Array.from({ length: clock % 4 }, (_, index) => ({
    id,
    ballot: { clock: index, writer: WRITER },
  }));
  const content = Buffer.alloc(live ? contentBytes : 0);
  for (let at = 0; at < content.length; at += 1) content[at] = (clock * 7 + at * 13) & 0xff;
  const summary = live ? Buffer.from(`summary of ${clock}`) : Buffer.alloc(0);
  return {
    ballot,
    history,
    horizon: { clock: 1, writer: WRITER },
    counted: live ? { objects: 1, bytes: content.length } : NOTHING_COUNTED,
    live,
    summary,
    content,
  };
}

/** What a process that is killed amid writes writes at a time: now and then a deletion. */
export function killedState(time: number): AcceptedState {
  return stateOf(time, 600, time % 7 !== 0);
}

export function textOf(state: AcceptedState | undefined): string {
  if (!state) return 'none';
  const history = state.history.map(({ id, ballot }) => `${id}@${ballot.clock}.${ballot.writer}`).join();
  return [
    `${state.ballot.clock}.${state.ballot.writer}`,
    `${state.horizon.clock}.${state.horizon.writer}`,
    history,
    state.live,
    state.summary.toString('hex'),
    state.content.toString('hex'),
  ].join(' ');
}

export function rowText(row: IndexRow): string {
  return `${row.key.toString('latin1')} ${row.ballot.clock} ${row.live} ${row.summary.toString()}`;
}

export interface TestDevice {
  readonly device: Device;
  readonly clock: ManualClock;
  readonly events: DeviceEvent[];
}

export async function openOn(
  files: MemoryFiles,
  index: MemoryIndexStore = new MemoryIndexStore(),
  options: { segmentBytes?: number; reserveBytes?: number } = {},
): Promise<TestDevice> {
  const clock = new ManualClock();
  const events: DeviceEvent[] = [];
  const device = await openDevice({
    path: PATH,
    files,
    clock,
    randomness: seededRandomness(1),
    reserveBytes: options.reserveBytes ?? 0,
    index,
    segmentBytes: options.segmentBytes ?? 16 * 1024,
    compacts: false,
    report: (event) => events.push(event),
  });
  return { device, clock, events };
}

/** Records with the numbers from ≤ number < to, all at once. */
export async function writeMany(device: Device, from: number, to: number, bytes = 500): Promise<void> {
  const numbers = Array.from({ length: to - from }, (_, index) => from + index);
  await Promise.all(numbers.map((number) => device.writeRecord(keyOf(number), stateOf(number + 1, bytes))));
}

/** What the device has reported, in order. */
export function eventTypes({ events }: TestDevice): string[] {
  return events.map(({ type }) => type);
}
