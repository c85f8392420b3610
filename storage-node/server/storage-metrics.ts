/** What a process's devices hold, as metrics: asked of the engines when somebody looks. */
import type { MetricsRegistry } from '#common/metrics/registry.ts';
import type { DeviceUsage } from '../engine/device-engine.ts';
import type { DeviceService } from './device-service.ts';

type Count = 'logGroups' | 'logEntries';
type Figure = Exclude<keyof DeviceUsage, 'health' | Count>;

const FIGURES: readonly (readonly [Figure, name: string, help: string])[] = [
  ['totalBytes', 'holdfast_device_size_bytes', 'Size of the file system that holds the device.'],
  ['freeBytes', 'holdfast_device_free_bytes', 'Free bytes of the file system that holds the device.'],
  ['records', 'holdfast_device_records', 'Live records.'],
  ['tombstones', 'holdfast_device_tombstones', 'Records of what was deleted.'],
  ['blobs', 'holdfast_device_blobs', 'Blobs.'],
  ['blobBytes', 'holdfast_device_blob_bytes', 'Bytes of blobs.'],
  ['logBytes', 'holdfast_device_log_bytes', 'Bytes of the log.'],
  ['logDeadBytes', 'holdfast_device_log_dead_bytes', 'Bytes of the log that compaction can free.'],
];

/** Entries by groups is how many share a sync. */
const COUNTS: readonly (readonly [Count, name: string, help: string])[] = [
  [
    'logGroups',
    'holdfast_device_log_syncs_total',
    'Groups of entries that were written to the log and synced.',
  ],
  ['logEntries', 'holdfast_device_log_entries_total', 'Entries in these groups.'],
];

/** @param devices those that are served when somebody looks. */
export function observeDevices(
  registry: MetricsRegistry,
  devices: () => readonly Pick<DeviceService, 'id' | 'engine'>[],
): void {
  for (const [figure, name, help] of FIGURES) {
    registry.observed('gauge', { name, help }, () => each(devices(), (usage) => usage[figure]));
  }
  for (const [figure, name, help] of COUNTS)
    registry.observed('counter', { name, help }, () => each(devices(), (usage) => usage[figure] ?? 0));
  const health = { name: 'holdfast_device_up', help: '1 for a device that serves, 0 for one that failed.' };
  registry.observed('gauge', health, () => each(devices(), (usage) => (usage.health === 'failed' ? 0 : 1)));
}

function each(
  devices: readonly Pick<DeviceService, 'id' | 'engine'>[],
  figure: (usage: DeviceUsage) => number,
): Promise<(readonly [string[], number])[]> {
  return Promise.all(
    devices.map(async ({ id, engine }) => [['device', String(id)], figure(await engine.usage())] as const),
  );
}
