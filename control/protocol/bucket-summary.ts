/** What a listing of an account shows of a bucket: docs/formats/bucket-record.md. */
import { ByteReader } from '#common/codec/byte-reader.ts';
import { type SpaceId, spaceId } from '#common/ids.ts';

export const BUCKET_SUMMARY_VERSION = 2;

export interface BucketSummary {
  /** Milliseconds since 1970. */
  readonly createdMs: number;
  /** Of its container's fields. */
  readonly modifiedMs: number;
  readonly bucketId: SpaceId;
  readonly shards: number;
}

/** Throws `format-invalid`. */
export function decodeBucketSummary(bytes: Buffer): BucketSummary {
  const reader = new ByteReader(bytes, 'format-invalid');
  const version = reader.u8();
  if (version !== BUCKET_SUMMARY_VERSION) throw reader.violation(`a bucket summary of version ${version}`);
  const createdMs = readU48(reader);
  const modifiedMs = readU48(reader);
  const bucketId = spaceId(reader.hex(16));
  const shards = reader.u16();
  reader.end();
  return { createdMs, modifiedMs, bucketId, shards };
}

function readU48(reader: ByteReader): number {
  return reader.u16() * 0x1_0000_0000 + reader.u32();
}
