/** The versions of an object behind its current one: docs/formats/object-record.md, "Older versions". */
import { ByteReader } from '#common/codec/byte-reader.ts';
import { ByteWriter } from '#common/codec/byte-writer.ts';
import { HoldfastError } from '#common/errors.ts';
import { readU48, writeU48 } from './body-layout.ts';
import { type ObjectLock, retentionModes } from './object-lock.ts';
import { type ChecksumPlan, checksumByte, planOfByte } from './stored-checksum.ts';
import { asVersionId, VERSION_ID_BYTES, type VersionStamp } from './version-id.ts';

const DELETE_MARKER_FLAG = 1;
const NULL_FLAG = 2;
const UPLOAD_FLAG = 4;
const LOCK_FLAG = 8;
const FLAGS = DELETE_MARKER_FLAG | NULL_FLAG | UPLOAD_FLAG | LOCK_FLAG;
const FIXED_BYTES = VERSION_ID_BYTES + 1 + 4 + 8 + 1 + 1;
const UPLOAD_ID_BYTES = 16;
const LOCK_BYTES = 7;
/** Of a lock: what is known of the legal hold, and the mode of the retention. */
const HOLD_KNOWN = 1;
const HOLD_ON = 2;
const MODE_SHIFT = 2;
const ETAG_BYTES_MAX = 64;
/** How many versions a key can have behind its current one. */
export const OLDER_VERSIONS_MAX = 8192;
/** With a current version of the largest kind, what a record can hold. */
const OLDER_BYTES_MAX = 600 * 1024;

export interface OlderVersion extends VersionStamp {
  readonly isDeleteMarker: boolean;
  readonly sizeBytes: number;
  /** Without quotes; '' of a delete marker. */
  readonly etag: string;
  readonly checksum: ChecksumPlan | undefined;
  /** Of an object that a multipart upload made. */
  readonly uploadId: string | undefined;
  readonly lock: ObjectLock | undefined;
}

/** Throws `versions-exceeded`. */
export function encodeOlderVersions(versions: readonly OlderVersion[]): Buffer {
  let bytes = 0;
  for (const { etag, uploadId, lock } of versions) {
    bytes += FIXED_BYTES + etag.length + (uploadId === undefined ? 0 : UPLOAD_ID_BYTES);
    if (lock !== undefined) bytes += LOCK_BYTES;
  }
  if (versions.length > OLDER_VERSIONS_MAX || bytes > OLDER_BYTES_MAX)
    throw new HoldfastError('versions-exceeded');
  const writer = new ByteWriter(bytes);
  for (const version of versions) {
    const { etag, uploadId, lock } = version;
    let flags = version.isDeleteMarker ? DELETE_MARKER_FLAG : 0;
    if (version.isNull) flags |= NULL_FLAG;
    if (uploadId !== undefined) flags |= UPLOAD_FLAG;
    if (lock !== undefined) flags |= LOCK_FLAG;
    writer.hex(version.id).u8(flags).u32(version.revision).u64(version.sizeBytes);
    writer.u8(checksumByte(version.checksum)).u8(etag.length).raw(Buffer.from(etag, 'latin1'));
    if (uploadId !== undefined) writer.hex(uploadId);
    if (lock !== undefined) writeLock(writer, lock);
  }
  return writer.done();
}

/** Newest first. */
export function decodeOlderVersions(section: Buffer): OlderVersion[] {
  const reader = new ByteReader(section, 'format-invalid');
  const versions: OlderVersion[] = [];
  while (reader.left > 0) {
    if (versions.length === OLDER_VERSIONS_MAX) throw reader.violation('more versions than a key can have');
    const id = asVersionId(reader.hex(VERSION_ID_BYTES));
    const flags = reader.u8();
    if ((flags & ~FLAGS) !== 0) throw reader.violation(`flags ${flags} of a version are unknown`);
    const before = versions.at(-1);
    if (before !== undefined && before.id <= id) throw reader.violation('versions are not in order');
    const revision = reader.u32();
    const sizeBytes = reader.u64();
    const checksum = planOfByte(reader.u8());
    const etagBytes = reader.u8();
    if (etagBytes > ETAG_BYTES_MAX) throw reader.violation(`an ETag of ${etagBytes} bytes`);
    versions.push({
      id,
      isNull: (flags & NULL_FLAG) !== 0,
      isDeleteMarker: (flags & DELETE_MARKER_FLAG) !== 0,
      revision,
      sizeBytes,
      checksum,
      etag: reader.raw(etagBytes).toString('latin1'),
      uploadId: (flags & UPLOAD_FLAG) === 0 ? undefined : reader.hex(UPLOAD_ID_BYTES),
      lock: (flags & LOCK_FLAG) === 0 ? undefined : readLock(reader),
    });
  }
  return versions;
}

function writeLock(writer: ByteWriter, { retention, legalHold }: ObjectLock): void {
  let flags = legalHold === undefined ? 0 : HOLD_KNOWN | (legalHold ? HOLD_ON : 0);
  if (retention !== undefined) flags |= (retentionModes.indexOf(retention.mode) + 1) << MODE_SHIFT;
  writeU48(writer.u8(flags), retention?.untilMs ?? 0);
}

function readLock(reader: ByteReader): ObjectLock {
  const flags = reader.u8();
  const mode = retentionModes[(flags >> MODE_SHIFT) - 1];
  if (mode === undefined && flags >> MODE_SHIFT !== 0) throw reader.violation('a retention of no known mode');
  const untilMs = readU48(reader);
  return {
    ...(mode === undefined ? undefined : { retention: { mode, untilMs } }),
    ...((flags & HOLD_KNOWN) === 0 ? undefined : { legalHold: (flags & HOLD_ON) !== 0 }),
  };
}
