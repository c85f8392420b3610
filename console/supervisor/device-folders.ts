/** The devices' folders at a start: which are there, which are new, and which one lacks what it should hold. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { HoldfastError } from '#common/errors.ts';
import type { DeviceId } from '#common/ids.ts';
import type { Clock } from '#common/io/clock.ts';
import type { Files } from '#common/io/files.ts';
import { votersOf } from '#ring/voters-of.ts';
import { IDENTITY_FILE, openIdentity } from '#storage-node/engine/device-identity.ts';
import { makeDurablePath } from '#storage-node/engine/durable-folder.ts';
import type { StandingRing } from './ensure-ring.ts';

/** What is stored is its owner's: others may not look. */
export const FOLDER_MODE = 0o750;

/**
 * Gives each device of a new cluster its identity, before the cluster is one: from then on a device of the cluster has one, or has
 * lost its disk.
 */
export async function makeDevices(
  files: Files,
  nowMs: () => number,
  devices: readonly DeviceId[],
  pathOf: (device: DeviceId) => string,
): Promise<void> {
  const clock: Pick<Clock, 'nowMs'> = { nowMs };
  await Promise.all(
    devices.map(async (device) => {
      const path = pathOf(device);
      mkdirSync(path, { recursive: true, mode: FOLDER_MODE });
      await makeDurablePath(files, path);
      await openIdentity(files, clock, path, device);
    }),
  );
}

/**
 * The devices of the ring that are to be served; makes the folders of those that are new. Throws `configuration-invalid` when a disk is not where it
 * was: an empty folder in its place must not vote, for what its device has accepted and promised is not in it.
 */
export function devicesToServe(
  { ring, leaving }: StandingRing,
  pathOf: (device: DeviceId) => string,
): DeviceId[] {
  const voters = votersOf(ring);
  const served: DeviceId[] = [];
  for (const device of ring.devices) {
    if (device === undefined) continue;
    const { id } = device;
    const path = pathOf(id);
    if (!existsSync(join(path, IDENTITY_FILE))) {
      if (leaving.includes(id)) continue;
      if (voters.has(id)) throw new HoldfastError('configuration-invalid', lostDisk(id, path));
    }
    mkdirSync(path, { recursive: true, mode: FOLDER_MODE });
    served.push(id);
  }
  return served;
}

function lostDisk(id: DeviceId, path: string): string {
  return (
    `device ${id} is in the ring, but ${path} has no ${IDENTITY_FILE}: is its disk mounted? ` +
    `If the disk is lost, \`holdfast ring replace ${id}\` stages an empty device in its place and \`holdfast ring rebalance\` ` +
    `has it copied from the others; the next start serves it`
  );
}
