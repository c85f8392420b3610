/** The bytes of a ring's file to a ring: docs/formats/ring.md. Nothing of a file that fails any check is used. */
import { crc32c } from '@node-rs/crc32';
import { HoldfastError } from '#common/errors.ts';
import type { DeviceId } from '#common/ids.ts';
import { NO_DEVICE, PARTITION_POWER_MAX, REPLICAS_MAX } from '../limits.ts';
import type { Ring, RingDevice } from '../ring.ts';
import { checkRingTable, type RingMove, type RingTable } from '../ring-table.ts';
import { ringOf } from '../table-ring.ts';
import {
  CHECKSUM_BYTES,
  DEVICE_FIXED_BYTES,
  HEADER_BYTES,
  MOVE_BYTES,
  MOVE_COUNT_BYTES,
  RING_FILE_BYTES_MAX,
  RING_FORMAT_VERSION,
  RING_FORMAT_VERSION_MIN,
  RING_MAGIC,
  ringHeader,
} from './ring-format.ts';

/** Throws `format-invalid` with what is wrong. The bytes are copied. */
export function readRing(bytes: Uint8Array): Ring {
  return ringOf(readRingTable(bytes));
}

/** The same as plain data, for what changes rings. Throws `format-invalid`. */
export function readRingTable(bytes: Uint8Array): RingTable {
  const table = decodeRing(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  checkRingTable(table);
  return table;
}

function decodeRing(file: Buffer): RingTable {
  checkEnvelope(file);
  const partitionPower = file.readUInt8(ringHeader.partitionPower);
  const tables = file.readUInt8(ringHeader.tables);
  const lastTable = file.readUInt32LE(ringHeader.lastTable);
  const count = file.readUInt32LE(ringHeader.devices);
  if (partitionPower > PARTITION_POWER_MAX) throw invalid(`partition power ${partitionPower}`);
  const partitions = 2 ** partitionPower;
  if (tables > REPLICAS_MAX) throw invalid(`${tables} replica tables`);
  if (lastTable > partitions || (lastTable === 0) !== (tables === 0))
    throw invalid(`a table of ${lastTable} entries`);
  if (count > NO_DEVICE) throw invalid(`${count} devices`);

  const end = file.length - CHECKSUM_BYTES;
  const cursor = { at: HEADER_BYTES };
  const devices: RingDevice[] = [];
  for (let i = 0; i < count; i++) devices.push(readDevice(file, cursor, end));
  const slots = tables === 0 ? 0 : (tables - 1) * partitions + lastTable;
  const movesAt = cursor.at + 2 * slots + 4 * partitions;
  if (movesAt > end) throw invalid('its tables do not fill it');
  const moves = readMoves(file, movesAt, end);
  const rows = Array.from({ length: tables }, (_, i) => {
    const row = new Uint16Array(i < tables - 1 ? partitions : lastTable);
    for (let partition = 0; partition < row.length; partition++, cursor.at += 2) {
      row[partition] = file.readUInt16LE(cursor.at);
    }
    return row;
  });
  const epochs = new Uint32Array(partitions);
  for (let partition = 0; partition < partitions; partition++, cursor.at += 4) {
    epochs[partition] = file.readUInt32LE(cursor.at);
  }
  return {
    version: file.readUInt32LE(ringHeader.version),
    partitionPower,
    replicas: file.readDoubleLE(ringHeader.replicas),
    devices,
    rows,
    epochs,
    moves,
  };
}

function readMoves(file: Buffer, start: number, end: number): RingMove[] {
  const left = end - start;
  const hasNone = file.readUInt16LE(ringHeader.formatVersion) === RING_FORMAT_VERSION_MIN;
  const count = hasNone || left < MOVE_COUNT_BYTES ? 0 : file.readUInt32LE(start);
  if (left !== (hasNone ? 0 : MOVE_COUNT_BYTES + MOVE_BYTES * count))
    throw invalid('its tables do not fill it');
  return Array.from({ length: count }, (_, i) => {
    const at = start + MOVE_COUNT_BYTES + MOVE_BYTES * i;
    return {
      partition: file.readUInt32LE(at),
      row: file.readUInt8(at + 4),
      device: file.readUInt16LE(at + 5) as DeviceId,
    };
  });
}

function checkEnvelope(file: Buffer): void {
  if (file.length > RING_FILE_BYTES_MAX) throw invalid(`it has ${file.length} bytes`);
  if (file.length < HEADER_BYTES + CHECKSUM_BYTES) throw invalid(`it has only ${file.length} bytes`);
  if (!file.subarray(0, RING_MAGIC.length).equals(RING_MAGIC)) throw invalid('it does not begin as one');
  const format = file.readUInt16LE(ringHeader.formatVersion);
  if (format < RING_FORMAT_VERSION_MIN || format > RING_FORMAT_VERSION)
    throw invalid(
      `it has format ${format}, and this program knows ${RING_FORMAT_VERSION_MIN} to ${RING_FORMAT_VERSION}`,
    );
  const length = file.readUInt32LE(ringHeader.fileBytes);
  if (length !== file.length) throw invalid(`it has ${file.length} bytes and was written with ${length}`);
  const end = file.length - CHECKSUM_BYTES;
  if (crc32c(file.subarray(0, end)) !== file.readUInt32LE(end)) throw invalid('its checksum is wrong');
}

function readDevice(file: Buffer, cursor: { at: number }, end: number): RingDevice {
  const start = cursor.at;
  if (start + DEVICE_FIXED_BYTES > end) throw invalid('a device entry runs over its end');
  cursor.at = start + DEVICE_FIXED_BYTES - 2;
  const host = readName(file, cursor, end);
  const addressHost = readName(file, cursor, end);
  return Object.freeze({
    id: file.readUInt16LE(start) as DeviceId,
    region: file.readUInt16LE(start + 2),
    zone: file.readUInt16LE(start + 4),
    rack: file.readUInt16LE(start + 6),
    weight: file.readDoubleLE(start + 8),
    host,
    address: Object.freeze({ host: addressHost, port: file.readUInt16LE(start + 16) }),
  });
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function readName(file: Buffer, cursor: { at: number }, end: number): string {
  const start = cursor.at + 1;
  if (start > end) throw invalid('a name runs over its end');
  const length = file.readUInt8(cursor.at);
  if (start + length > end) throw invalid('a name runs over its end');
  cursor.at = start + length;
  try {
    return utf8.decode(file.subarray(start, cursor.at));
  } catch (error) {
    throw new HoldfastError('format-invalid', 'not a ring file: a name is not UTF-8', { cause: error });
  }
}

function invalid(detail: string): HoldfastError {
  return new HoldfastError('format-invalid', `not a ring file: ${detail}`);
}
