/** What a listing shows of an object: docs/formats/object-record.md, "Summary". */
import { TICKS_PER_MS } from '#common/ballot.ts';
import { ByteWriter } from '#common/codec/byte-writer.ts';
import { HoldfastError } from '#common/errors.ts';
import { type ChecksumPlan, checksumByte, planOfByte } from './stored-checksum.ts';
import { asVersionId, VERSION_ID_BYTES, type VersionId } from './version-id.ts';

const NONE = Buffer.alloc(0);
const VERSION = 2;
const STANDARD = 1;
const DELETE_MARKER_FLAG = 1;
const NULL_FLAG = 2;
const OLDER_ELSEWHERE_FLAG = 4;
const FLAGS = DELETE_MARKER_FLAG | NULL_FLAG | OLDER_ELSEWHERE_FLAG;
const FIXED_BYTES = 33;
const FLAGS_AT = 1;
const CLASS_AT = 2;
const VERSION_AT = 3;
const SIZE_AT = VERSION_AT + VERSION_ID_BYTES;
/** Behind its length, one byte. */
const ETAG_AT = SIZE_AT + 8 + 1;
const CHECKSUM_BYTES = 1;
const CONTENT_TYPE_LENGTH_BYTES = 2;
const OLDER_LENGTH_BYTES = 4;
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

/** Of a summary, what listings show of every object. */
export type ListedSummary = Pick<
  ObjectSummary,
  'isDeleteMarker' | 'modifiedMs' | 'sizeBytes' | 'etag' | 'checksum'
>;

export function decodeObjectSummary(bytes: Buffer): ObjectSummary {
  const layout = layoutOf(bytes);
  const { contentTypeEnd } = layout;
  const flags = bytes[FLAGS_AT] as number;
  const older = bytes.subarray(contentTypeEnd + OLDER_LENGTH_BYTES);
  return {
    isDeleteMarker: (flags & DELETE_MARKER_FLAG) !== 0,
    modifiedMs: modifiedMsOf(bytes),
    sizeBytes: sizeOf(bytes),
    etag: etagOf(bytes, layout),
    checksum: planOfByte(bytes[layout.etagEnd] as number),
    contentType: contentTypeOf(bytes, layout),
    versionId: asVersionId(bytes.toString('hex', VERSION_AT, SIZE_AT)),
    isNull: (flags & NULL_FLAG) !== 0,
    older: (flags & OLDER_ELSEWHERE_FLAG) === 0 ? older : undefined,
  };
}

/** As `decodeObjectSummary`, at a third of the price: a listing has thousands. */
export function decodeListedSummary(bytes: Buffer): ListedSummary {
  const layout = layoutOf(bytes);
  return {
    isDeleteMarker: isDeleteMarker(bytes),
    modifiedMs: modifiedMsOf(bytes),
    sizeBytes: sizeOf(bytes),
    etag: etagOf(bytes, layout),
    checksum: planOfByte(bytes[layout.etagEnd] as number),
  };
}

/** The content type of a summary that has been decoded. */
export function listedContentType(bytes: Buffer): string {
  return contentTypeOf(bytes, layoutOf(bytes));
}

/** Whether a summary is a delete marker's. */
export function isDeleteMarker(bytes: Buffer): boolean {
  if (bytes[0] !== VERSION) throw invalid(`version ${bytes[0]}`);
  return ((bytes[FLAGS_AT] ?? 0) & DELETE_MARKER_FLAG) !== 0;
}

interface Layout {
  readonly etagEnd: number;
  readonly contentTypeEnd: number;
}

/** Where the parts are that have no fixed place. Throws `format-invalid` when they don't fill the bytes. */
function layoutOf(bytes: Buffer): Layout {
  if (bytes.length < FIXED_BYTES) throw invalid(`${bytes.length} bytes`);
  if (bytes[0] !== VERSION) throw invalid(`version ${bytes[0]}`);
  const flags = bytes[FLAGS_AT] as number;
  if ((flags & ~FLAGS) !== 0) throw invalid(`flags ${flags} are unknown`);
  if (bytes[CLASS_AT] !== STANDARD) throw invalid(`storage class ${bytes[CLASS_AT]} is unknown`);
  const etagBytes = bytes[ETAG_AT - 1] as number;
  checkEtagBytes(etagBytes, (flags & DELETE_MARKER_FLAG) !== 0);
  const etagEnd = ETAG_AT + etagBytes;
  const contentTypeAt = etagEnd + CHECKSUM_BYTES + CONTENT_TYPE_LENGTH_BYTES;
  if (contentTypeAt + OLDER_LENGTH_BYTES > bytes.length) throw invalid('the bytes end within a field');
  const contentTypeBytes = bytes.readUInt16BE(etagEnd + CHECKSUM_BYTES);
  const contentTypeEnd = contentTypeAt + contentTypeBytes;
  const olderAt = contentTypeEnd + OLDER_LENGTH_BYTES;
  if (contentTypeBytes > CONTENT_TYPE_BYTES_MAX || olderAt > bytes.length) {
    throw invalid(`a content type of ${contentTypeBytes} bytes`);
  }
  const olderBytes = bytes.readUInt32BE(contentTypeEnd);
  if (olderAt + olderBytes !== bytes.length) throw invalid(`${olderBytes} bytes of older versions`);
  return { etagEnd, contentTypeEnd };
}

/** The clock of a version's id is when it was written. */
function modifiedMsOf(bytes: Buffer): number {
  const clock = bytes.readUInt32BE(VERSION_AT) * 0x1_0000_0000 + bytes.readUInt32BE(VERSION_AT + 4);
  return Math.floor(clock / TICKS_PER_MS);
}

function sizeOf(bytes: Buffer): number {
  const size = bytes.readUInt32BE(SIZE_AT) * 0x1_0000_0000 + bytes.readUInt32BE(SIZE_AT + 4);
  if (!Number.isSafeInteger(size)) throw invalid('a size beyond 2^53');
  return size;
}

function etagOf(bytes: Buffer, { etagEnd }: Layout): string {
  return bytes.toString('latin1', ETAG_AT, etagEnd);
}

function contentTypeOf(bytes: Buffer, { etagEnd, contentTypeEnd }: Layout): string {
  return bytes.toString('utf8', etagEnd + CHECKSUM_BYTES + CONTENT_TYPE_LENGTH_BYTES, contentTypeEnd);
}

function invalid(detail: string): HoldfastError {
  return new HoldfastError('format-invalid', `an object summary: ${detail}`);
}

function checkEtagBytes(length: number, isDeleteMarker: boolean): void {
  const least = isDeleteMarker ? 0 : 1;
  if (length < least || length > ETAG_BYTES_MAX)
    throw new HoldfastError('format-invalid', `an ETag of ${length} bytes`);
}

/** The object's own ETag of what a summary's says. */
export function ownEtag(etag: string): string {
  return etag.length < ETAG_BYTES_MAX ? etag : etag.slice(ETAG_BYTES_MAX / 2);
}

/** What a summary's ETag says: the object's own and, of a static large object, that of its manifest. */
export function listedEtag(etag: string): {
  readonly etag: string;
  readonly manifestEtag: string | undefined;
} {
  if (etag.length < ETAG_BYTES_MAX) return { etag, manifestEtag: undefined };
  return { etag: etag.slice(ETAG_BYTES_MAX / 2), manifestEtag: etag.slice(0, ETAG_BYTES_MAX / 2) };
}
