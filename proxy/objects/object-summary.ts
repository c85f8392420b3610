/** What a listing shows of an object: docs/formats/object-record.md, "Summary". */
import { ByteReader } from '#common/codec/byte-reader.ts';
import { ByteWriter } from '#common/codec/byte-writer.ts';
import { HoldfastError } from '#common/errors.ts';
import { type ChecksumPlan, checksumByte, planOfByte } from './stored-checksum.ts';

const VERSION = 2;
const STANDARD = 1;
const DELETE_MARKER_FLAG = 1;
const FIXED_BYTES = 29;
const ETAG_BYTES_MAX = 64;
const VERSION_ID_BYTES = 8;
const NULL_VERSION = '0'.repeat(16);
/** A longer content type is in the object's record alone, and a listing shows its beginning. */
const CONTENT_TYPE_BYTES_MAX = 1024;

export interface ObjectSummary {
  /** A version that says that the object has been deleted: it has neither body nor ETag. */
  readonly isDeleteMarker: boolean;
  /** Milliseconds since 1970. */
  readonly modifiedMs: number;
  readonly sizeBytes: number;
  /** Without quotes. */
  readonly etag: string;
  readonly checksum: ChecksumPlan | undefined;
  /** 16 lower-case hexadecimal digits; undefined for the null version. */
  readonly versionId: string | undefined;
  /** '' when none was given. */
  readonly contentType: string;
}

export function encodeObjectSummary(summary: ObjectSummary): Buffer {
  const etag = Buffer.from(summary.etag, 'latin1');
  checkEtagBytes(etag.length, summary.isDeleteMarker);
  const contentType = Buffer.from(summary.contentType).subarray(0, CONTENT_TYPE_BYTES_MAX);
  return new ByteWriter(FIXED_BYTES + etag.length + contentType.length)
    .u8(VERSION)
    .u8(summary.isDeleteMarker ? DELETE_MARKER_FLAG : 0)
    .u8(STANDARD)
    .u16(Math.floor(summary.modifiedMs / 0x1_0000_0000))
    .u32(summary.modifiedMs % 0x1_0000_0000)
    .u64(summary.sizeBytes)
    .u8(etag.length)
    .raw(etag)
    .u8(checksumByte(summary.checksum))
    .hex(summary.versionId ?? NULL_VERSION)
    .short(contentType)
    .done();
}

export function decodeObjectSummary(bytes: Buffer): ObjectSummary {
  const reader = new ByteReader(bytes, 'format-invalid');
  const version = reader.u8();
  if (version !== VERSION) throw reader.violation(`an object summary of version ${version}`);
  const flags = reader.u8();
  if ((flags & ~DELETE_MARKER_FLAG) !== 0) throw reader.violation(`flags ${flags} are unknown`);
  const isDeleteMarker = flags === DELETE_MARKER_FLAG;
  const storageClass = reader.u8();
  if (storageClass !== STANDARD) throw reader.violation(`storage class ${storageClass} is unknown`);
  const modifiedMs = reader.u16() * 0x1_0000_0000 + reader.u32();
  const sizeBytes = reader.u64();
  const etagBytes = reader.u8();
  checkEtagBytes(etagBytes, isDeleteMarker);
  const etag = reader.raw(etagBytes).toString('latin1');
  const checksum = planOfByte(reader.u8());
  const versionId = reader.hex(VERSION_ID_BYTES);
  const contentType = reader.short(CONTENT_TYPE_BYTES_MAX).toString('utf8');
  reader.end();
  return {
    isDeleteMarker,
    modifiedMs,
    sizeBytes,
    etag,
    checksum,
    versionId: versionId === NULL_VERSION ? undefined : versionId,
    contentType,
  };
}

function checkEtagBytes(length: number, isDeleteMarker: boolean): void {
  const least = isDeleteMarker ? 0 : 1;
  if (length < least || length > ETAG_BYTES_MAX)
    throw new HoldfastError('format-invalid', `an ETag of ${length} bytes`);
}
