/** A ring's table to the bytes of its file: docs/formats/ring.md. */
import { crc32c } from '@node-rs/crc32';
import type { RingDevice } from '../ring.ts';
import { checkRingTable, type RingTable } from '../ring-table.ts';
import {
  CHECKSUM_BYTES,
  DEVICE_FIXED_BYTES,
  HEADER_BYTES,
  MOVE_BYTES,
  MOVE_COUNT_BYTES,
  RING_FORMAT_VERSION,
  RING_MAGIC,
  ringHeader,
} from './ring-format.ts';

/** Throws `format-invalid` when the table is not one that a reader would take. */
export function encodeRing(table: RingTable): Buffer {
  checkRingTable(table);
  const { devices, rows, epochs, moves } = table;
  const entryBytes = devices.reduce((sum, device) => sum + deviceBytes(device), 0);
  const memberBytes = rows.reduce((sum, row) => sum + 2 * row.length, 0);
  const moveBytes = MOVE_COUNT_BYTES + MOVE_BYTES * moves.length;
  const tableBytes = memberBytes + 4 * epochs.length + moveBytes;
  const bytes = Buffer.alloc(HEADER_BYTES + entryBytes + tableBytes + CHECKSUM_BYTES);
  RING_MAGIC.copy(bytes, ringHeader.magic);
  bytes.writeUInt16LE(RING_FORMAT_VERSION, ringHeader.formatVersion);
  bytes.writeUInt8(table.partitionPower, ringHeader.partitionPower);
  bytes.writeUInt8(rows.length, ringHeader.tables);
  bytes.writeUInt32LE(bytes.length, ringHeader.fileBytes);
  bytes.writeUInt32LE(table.version, ringHeader.version);
  bytes.writeDoubleLE(table.replicas, ringHeader.replicas);
  bytes.writeUInt32LE(rows.at(-1)?.length ?? 0, ringHeader.lastTable);
  bytes.writeUInt32LE(devices.length, ringHeader.devices);
  let at = HEADER_BYTES;
  for (const device of devices) at = writeDevice(bytes, at, device);
  for (const row of rows) for (const id of row) at = bytes.writeUInt16LE(id, at);
  for (const epoch of epochs) at = bytes.writeUInt32LE(epoch, at);
  at = bytes.writeUInt32LE(moves.length, at);
  for (const { partition, row, device } of moves) {
    at = bytes.writeUInt32LE(partition, at);
    at = bytes.writeUInt8(row, at);
    at = bytes.writeUInt16LE(device, at);
  }
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, at)), at);
  return bytes;
}

function deviceBytes({ host, address }: RingDevice): number {
  return DEVICE_FIXED_BYTES + Buffer.byteLength(host) + Buffer.byteLength(address.host);
}

function writeDevice(bytes: Buffer, start: number, device: RingDevice): number {
  let at = start;
  for (const value of [device.id, device.region, device.zone, device.rack])
    at = bytes.writeUInt16LE(value, at);
  at = bytes.writeDoubleLE(device.weight, at);
  at = bytes.writeUInt16LE(device.address.port, at);
  for (const name of [device.host, device.address.host]) {
    const length = bytes.write(name, at + 1, 'utf8');
    bytes.writeUInt8(length, at);
    at += 1 + length;
  }
  return at;
}
