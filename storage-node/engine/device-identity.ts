/** `device.json`: what tells a disk that is ours from an empty one, and one device from another. */
import { HoldfastError } from '#common/errors.ts';
import { type DeviceId, deviceId } from '#common/ids.ts';
import type { Clock } from '#common/io/clock.ts';
import type { Files } from '#common/io/files.ts';
import { readWholeFile, replaceFile } from '#common/io/whole-file.ts';

export const IDENTITY_FILE = 'device.json';
const FORMAT = 'holdfast-device';
const VERSION = 1;
const IDENTITY_BYTES_MAX = 4096;

export interface DeviceIdentity {
  readonly format: typeof FORMAT;
  readonly version: number;
  /** null until the device has been given its number in the ring. */
  readonly device: DeviceId | null;
  /** Milliseconds since 1970. */
  readonly createdMs: number;
}

/**
 * Reads the identity, or makes it when the folder is empty.
 * Throws `configuration-invalid` when the disk is another device's, `format-invalid` when it is not ours at all.
 */
export async function openIdentity(
  files: Files,
  clock: Pick<Clock, 'nowMs'>,
  path: string,
  expected: DeviceId | undefined,
): Promise<DeviceIdentity> {
  if (!(await files.exists(`${path}/${IDENTITY_FILE}`))) {
    // A log without an identity is a disk that lost a file, or a wrong path: to start anew on it would lose what it holds.
    if (await files.exists(`${path}/log`)) {
      throw new HoldfastError('format-invalid', `${path} holds a log and no ${IDENTITY_FILE}`);
    }
    return writeIdentity(files, path, expected ?? null, clock.nowMs());
  }
  const bytes = await readWholeFile(files, `${path}/${IDENTITY_FILE}`, IDENTITY_BYTES_MAX);
  const found = parseIdentity(bytes, path);
  if (expected === undefined || found.device === expected) return found;
  if (found.device === null) return writeIdentity(files, path, expected, found.createdMs);
  throw new HoldfastError('configuration-invalid', `${path} is device ${found.device}, not ${expected}`);
}

async function writeIdentity(
  files: Files,
  path: string,
  device: DeviceId | null,
  createdMs: number,
): Promise<DeviceIdentity> {
  const identity: DeviceIdentity = { format: FORMAT, version: VERSION, device, createdMs };
  await replaceFile(files, `${path}/${IDENTITY_FILE}`, Buffer.from(`${JSON.stringify(identity)}\n`));
  return identity;
}

function parseIdentity(bytes: Buffer, path: string): DeviceIdentity {
  let found: unknown;
  try {
    found = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new HoldfastError('format-invalid', `${path}/${IDENTITY_FILE} cannot be read`, { cause });
  }
  if (typeof found !== 'object' || found === null || !('format' in found) || found.format !== FORMAT) {
    throw new HoldfastError('format-invalid', `${path}/${IDENTITY_FILE} is not a device's identity`);
  }
  if (!('version' in found) || found.version !== VERSION) {
    throw new HoldfastError('format-invalid', `${path} was written by another version of this program`);
  }
  const device = 'device' in found && typeof found.device === 'number' ? deviceId(found.device) : null;
  const createdMs = 'createdMs' in found && typeof found.createdMs === 'number' ? found.createdMs : 0;
  return { format: FORMAT, version: VERSION, device, createdMs };
}
