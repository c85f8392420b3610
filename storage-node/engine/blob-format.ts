/** The bytes of a blob's file: docs/formats/blob.md. */
import { type RecordKey, asRecordKey } from '#common/codec/record-key.ts';
import { HoldfastError } from '#common/errors.ts';
import { type BlobId, blobId } from '#common/ids.ts';
import { crc32c } from './checksum.ts';
import { BLOCK_BYTES } from '../protocol/block-summer.ts';
import type { BlobInfo } from './device-engine.ts';
import { readClock, writeClock } from './log-format.ts';

export { BLOCK_BYTES };
export const BLOB_HEADER_BYTES = 4096;
export const BLOB_BYTES_MAX = 1024 * 1024 * 1024;
export const TRAILER_BYTES = 72;
export const CHECKSUM_BYTES = 4;

const HEADER_MAGIC = Buffer.from('HOLDBLOB', 'latin1');
const TRAILER_MAGIC = Buffer.from('HOLDBEND', 'latin1');
const VERSION = 1;

export function encodeBlobHeader(id: BlobId, createdMs: number): Buffer {
  const header = Buffer.alloc(BLOB_HEADER_BYTES);
  HEADER_MAGIC.copy(header, 0);
  header.writeUInt16BE(VERSION, 8);
  header.writeUInt32BE(BLOCK_BYTES, 12);
  header.write(id, 16, 16, 'hex');
  writeClock(header, 32, createdMs);
  header.writeUInt32BE(crc32c(header.subarray(0, 40)), 40);
  return header;
}

/** Everything behind the data. */
export function encodeBlobEnd(info: BlobInfo, checksums: ArrayLike<number>): Buffer {
  const tableBytes = checksums.length * CHECKSUM_BYTES;
  const end = Buffer.alloc(tableBytes + info.owner.length + TRAILER_BYTES);
  for (let block = 0; block < checksums.length; block += 1)
    end.writeUInt32BE(checksums[block] as number, block * CHECKSUM_BYTES);
  end.set(info.owner, tableBytes);
  const trailer = end.subarray(tableBytes + info.owner.length);
  TRAILER_MAGIC.copy(trailer, 0);
  trailer.writeUInt16BE(VERSION, 8);
  trailer.writeUInt16BE(info.owner.length, 10);
  trailer.writeUInt32BE(BLOCK_BYTES, 12);
  trailer.write(info.id, 16, 16, 'hex');
  writeClock(trailer, 32, info.createdMs);
  writeClock(trailer, 40, info.lengthBytes);
  trailer.writeUInt32BE(crc32c(end.subarray(0, end.length - 4)), 68);
  return end;
}

/** Bytes of all that stands behind the data, as the trailer tells; throws `data-corrupt` when it is none. */
export function blobEndBytes(trailer: Buffer): number {
  const isTrailer = trailer.length === TRAILER_BYTES && trailer.subarray(0, 8).equals(TRAILER_MAGIC);
  if (!isTrailer || trailer.readUInt16BE(8) !== VERSION || trailer.readUInt32BE(12) !== BLOCK_BYTES) {
    throw new HoldfastError('data-corrupt', 'a blob has no trailer');
  }
  const lengthBytes = readClock(trailer, 40);
  if (lengthBytes > BLOB_BYTES_MAX)
    throw new HoldfastError('data-corrupt', 'the length of a blob is impossible');
  return blockCount(lengthBytes) * CHECKSUM_BYTES + trailer.readUInt16BE(10) + TRAILER_BYTES;
}

export interface BlobEnd {
  readonly info: BlobInfo;
  /** The checksum table's bytes. */
  readonly table: Buffer;
}

/** @param end exactly what stands behind the data. Throws `data-corrupt`. */
export function decodeBlobEnd(end: Buffer): BlobEnd {
  const trailer = end.subarray(end.length - TRAILER_BYTES);
  if (crc32c(end.subarray(0, end.length - 4)) !== trailer.readUInt32BE(68)) {
    throw new HoldfastError('data-corrupt', 'the end of a blob failed its checksum');
  }
  const lengthBytes = readClock(trailer, 40);
  const tableBytes = blockCount(lengthBytes) * CHECKSUM_BYTES;
  const owner: RecordKey = asRecordKey(end.subarray(tableBytes, end.length - TRAILER_BYTES));
  const id = blobId(trailer.toString('hex', 16, 32));
  return {
    info: { id, lengthBytes, createdMs: readClock(trailer, 32), owner },
    table: end.subarray(0, tableBytes),
  };
}

export function blockCount(lengthBytes: number): number {
  return Math.ceil(lengthBytes / BLOCK_BYTES);
}
