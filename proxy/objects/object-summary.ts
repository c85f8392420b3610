/** What a listing shows of an object: docs/formats/object-record.md, "Summary". */
import { ByteReader } from '#common/codec/byte-reader.ts';
import { ByteWriter } from '#common/codec/byte-writer.ts';
import { HoldfastError } from '#common/errors.ts';
import { type ChecksumPlan, checksumByte, planOfByte } from './stored-checksum.ts';

const VERSION = 1;
const STANDARD = 1;
const FIXED_BYTES = 18;
const ETAG_BYTES_MAX = 64;

export interface ObjectSummary {
  /** Milliseconds since 1970. */
  readonly modifiedMs: number;
  readonly sizeBytes: number;
  /** Without quotes. */
  readonly etag: string;
  readonly checksum: ChecksumPlan | undefined;
}

export function encodeObjectSummary(summary: ObjectSummary): Buffer {
  const etag = Buffer.from(summary.etag, 'latin1');
  if (etag.length < 1 || etag.length > ETAG_BYTES_MAX) throw new RangeError('an ETag of 1 to 64 bytes');
  return new ByteWriter(FIXED_BYTES + etag.length)
    .u8(VERSION)
    .u8(STANDARD)
    .u16(Math.floor(summary.modifiedMs / 0x1_0000_0000))
    .u32(summary.modifiedMs % 0x1_0000_0000)
    .u64(summary.sizeBytes)
    .u8(etag.length)
    .raw(etag)
    .u8(checksumByte(summary.checksum))
    .done();
}

export function decodeObjectSummary(bytes: Buffer): ObjectSummary {
  const reader = new ByteReader(bytes, 'format-invalid');
  const version = reader.u8();
  if (version !== VERSION) throw reader.violation(`an object summary of version ${version}`);
  const storageClass = reader.u8();
  if (storageClass !== STANDARD) throw reader.violation(`storage class ${storageClass} is unknown`);
  const modifiedMs = reader.u16() * 0x1_0000_0000 + reader.u32();
  const sizeBytes = reader.u64();
  const etagBytes = reader.u8();
  if (etagBytes < 1 || etagBytes > ETAG_BYTES_MAX)
    throw new HoldfastError('format-invalid', 'an ETag of no length');
  const etag = reader.raw(etagBytes).toString('latin1');
  const checksum = planOfByte(reader.u8());
  reader.end();
  return { modifiedMs, sizeBytes, etag, checksum };
}
