/** The constants of docs/formats/ring.md. */
import { HOST_BYTES_MAX, NO_DEVICE, PARTITION_POWER_MAX, REPLICAS_MAX } from '../limits.ts';

export const RING_MAGIC = Buffer.from('HFRING\r\n', 'latin1');
export const RING_FORMAT_VERSION = 2;
/** Format 1 has no moves. */
export const RING_FORMAT_VERSION_MIN = 1;
/** Where the fields of the header are, in bytes from the start. */
export const ringHeader = {
  magic: 0,
  formatVersion: 8,
  partitionPower: 10,
  tables: 11,
  fileBytes: 12,
  version: 16,
  replicas: 20,
  lastTable: 28,
  devices: 32,
} as const;
export const HEADER_BYTES = 36;
/** What a file's head says, unchecked; 0 for what is too short. */
export function ringVersionOf(head: Buffer): number {
  return head.length < HEADER_BYTES ? 0 : head.readUInt32LE(ringHeader.version);
}

export const CHECKSUM_BYTES = 4;
/** Before the moves. */
export const MOVE_COUNT_BYTES = 4;
export const MOVE_BYTES = 7;
/** Of a device entry, without the two names' bytes. */
export const DEVICE_FIXED_BYTES = 20;
const DEVICE_BYTES_MAX = DEVICE_FIXED_BYTES + 2 * HOST_BYTES_MAX;
export const RING_FILE_BYTES_MAX =
  HEADER_BYTES +
  NO_DEVICE * DEVICE_BYTES_MAX +
  2 ** PARTITION_POWER_MAX * (REPLICAS_MAX * 2 + 4 + MOVE_BYTES) +
  MOVE_COUNT_BYTES +
  CHECKSUM_BYTES;

export const BUILDER_FORMAT = 'holdfast ring builder';
export const BUILDER_FORMAT_VERSION = 2;
/** Format 1 knows of no moves. */
export const BUILDER_FORMAT_VERSION_MIN = 1;
export const BUILDER_FILE_BYTES_MAX = 256 * 2 ** 20;
