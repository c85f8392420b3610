/** What a listing shows of an object: docs/formats/object-record.md, "Summary". */
import { ByteReader } from '#common/codec/byte-reader.ts';
import { ByteWriter } from '#common/codec/byte-writer.ts';
import { HoldfastError } from '#common/errors.ts';
import { type ChecksumPlan, checksumByte, planOfByte } from './stored-checksum.ts';
import { asVersionId, VERSION_ID_BYTES, type VersionId, versionTimeMs } from './version-id.ts';

const NONE = Buffer.alloc(0);
const VERSION = 2;
const STANDARD = 1;
const DELETE_MARKER_FLAG = 1;
const NULL_FLAG = 2;
const OLDER_ELSEWHERE_FLAG = 4;
const FLAGS = DELETE_MARKER_FLAG | NULL_FLAG | OLDER_ELSEWHERE_FLAG;
const FIXED_BYTES = 33;
const ETAG_BYTES_MAX = 64;
/** A longer content type is in the object's record alone, and a listing shows its beginning. */
const CONTENT_TYPE_BYTES_MAX = 1024;
/** More of them are in the record's content alone. */
const OLDER_BYTES_MAX = 1024;

export interface ObjectSummary {
  /** A version that says that the object has been deleted: it has neither body nor ETag. */
  readonly isDeleteMarker: boolean;
  /** Milliseconds since 1970. */
  readonly modifiedMs: number;
  readonly sizeBytes: number;
  /** Without quotes; of a static large object the manifest's and then its own: see `listedEtag`. */
  readonly etag: string;
  readonly checksum: ChecksumPlan | undefined;
  /** '' when none was given. */
  readonly contentType: string;
  readonly versionId: VersionId;
  /** Whether the version was written while versioning was not enabled. */
  readonly isNull: boolean;
  /** The versions behind this one, for `decodeOlderVersions`; undefined when there are too many for a summary. */
  readonly older: Buffer | undefined;
}

export type SummarizedObject = Omit<ObjectSummary, 'modifiedMs' | 'older'> & { readonly older: Buffer };

export function encodeObjectSummary(summary: SummarizedObject): Buffer {
  const etag = Buffer.from(summary.etag, 'latin1');
  checkEtagBytes(etag.length, summary.isDeleteMarker);
  const contentType = Buffer.from(summary.contentType).subarray(0, CONTENT_TYPE_BYTES_MAX);
  const elsewhere = summary.older.length > OLDER_BYTES_MAX;
  const older = elsewhere ? NONE : summary.older;
  let flags = summary.isDeleteMarker ? DELETE_MARKER_FLAG : 0;
  if (summary.isNull) flags |= NULL_FLAG;
  if (elsewhere) flags |= OLDER_ELSEWHERE_FLAG;
  return new ByteWriter(FIXED_BYTES + etag.length + contentType.length + older.length)
    .u8(VERSION)
    .u8(flags)
    .u8(STANDARD)
    .hex(summary.versionId)
    .u64(summary.sizeBytes)
    .u8(etag.length)
    .raw(etag)
    .u8(checksumByte(summary.checksum))
    .short(contentType)
    .u32(older.length)
    .raw(older)
    .done();
}

export function decodeObjectSummary(bytes: Buffer): ObjectSummary {
  const reader = new ByteReader(bytes, 'format-invalid');
  const version = reader.u8();
  if (version !== VERSION) throw reader.violation(`an object summary of version ${version}`);
  const flags = reader.u8();
  if ((flags & ~FLAGS) !== 0) throw reader.violation(`flags ${flags} are unknown`);
  const isDeleteMarker = (flags & DELETE_MARKER_FLAG) !== 0;
  const storageClass = reader.u8();
  if (storageClass !== STANDARD) throw reader.violation(`storage class ${storageClass} is unknown`);
  const versionId = asVersionId(reader.hex(VERSION_ID_BYTES));
  const sizeBytes = reader.u64();
  const etagBytes = reader.u8();
  checkEtagBytes(etagBytes, isDeleteMarker);
  const etag = reader.raw(etagBytes).toString('latin1');
  const checksum = planOfByte(reader.u8());
  const contentType = reader.short(CONTENT_TYPE_BYTES_MAX).toString('utf8');
  const older = reader.raw(reader.u32());
  reader.end();
  return {
    isDeleteMarker,
    modifiedMs: versionTimeMs(versionId),
    sizeBytes,
    etag,
    checksum,
    contentType,
    versionId,
    isNull: (flags & NULL_FLAG) !== 0,
    older: (flags & OLDER_ELSEWHERE_FLAG) === 0 ? older : undefined,
  };
}

function checkEtagBytes(length: number, isDeleteMarker: boolean): void {
  const least = isDeleteMarker ? 0 : 1;
  if (length < least || length > ETAG_BYTES_MAX)
    throw new HoldfastError('format-invalid', `an ETag of ${length} bytes`);
}

/** What a summary's ETag says: the object's own and, of a static large object, that of its manifest. */
export function listedEtag(etag: string): {
  readonly etag: string;
  readonly manifestEtag: string | undefined;
} {
  if (etag.length < ETAG_BYTES_MAX) return { etag, manifestEtag: undefined };
  return { etag: etag.slice(ETAG_BYTES_MAX / 2), manifestEtag: etag.slice(0, ETAG_BYTES_MAX / 2) };
}
