/**
 * The key of a record, as it travels and as LevelDB sorts it:
 *
 *     space (16) | kind (1) | shard (2, big-endian) | name (UTF-8, 0 … 4096 bytes)
 *
 * The first 19 bytes name an index shard: they choose the partition, so all rows of a shard have the same replicas and
 * a listing of it is one range of one device's index. Bytes sort as S3 and Swift list: by UTF-8.
 */
import { type SpaceId, spaceId } from '#common/ids.ts';

declare const keyBrand: unique symbol;
export type RecordKey = Buffer & { readonly [keyBrand]: true };

export const SHARD_PREFIX_BYTES = 19;
export const NAME_BYTES_MAX = 4096;

/** What a space's records are. The numbers are on disk: never reuse one. */
export const recordKinds = {
  /** An object, by its name. */
  object: 1,
  /** An open multipart upload: name NUL upload id. */
  upload: 2,
  /** A part of an upload: upload id / part number. */
  part: 3,
  /** A bucket of an account, by its name; the space is the account's. */
  bucket: 4,
  /** The owner of a bucket name over all accounts; the space is the root space. */
  claim: 5,
  /** A version behind an object's current one: object's name NUL version id. */
  version: 6,
  /** An account's own metadata; the space is the account's, the name empty. */
  account: 7,
  /** A process that writes bodies; the space is the root space. */
  writer: 8,
  /** What writers have said they will add to an account or a bucket: the space is its own, the name empty. */
  reservation: 9,
  /** What an account may hold; the space is the account's, the name empty. */
  quota: 10,
  /** An account whose use is metered; the space is the root space. */
  meteredAccount: 11,
  /** What a process has carried for an account in an hour; the space is the root space. */
  traffic: 12,
  /** What an account held in an hour; the space is the root space. */
  storageSample: 13,
  /** An object that is to be removed, and when; the space is the root space. */
  expiry: 14,
  /** A bucket that has lifecycle rules; the space is the root space. */
  lifecycleBucket: 15,
  /** What an account has used in an hour, by the hour; the space is the account's. */
  hourlyUsage: 16,
} as const;
export type RecordKind = (typeof recordKinds)[keyof typeof recordKinds];

export function shardPrefix(space: SpaceId, kind: RecordKind, shard: number): Buffer {
  const prefix = Buffer.allocUnsafe(SHARD_PREFIX_BYTES);
  prefix.write(space, 0, 16, 'hex');
  prefix[16] = kind;
  prefix.writeUInt16BE(shard, 17);
  return prefix;
}

export function recordKey(space: SpaceId, kind: RecordKind, shard: number, name: string): RecordKey {
  const nameBytes = Buffer.byteLength(name);
  if (nameBytes > NAME_BYTES_MAX) throw new RangeError(`a record's name has at most ${NAME_BYTES_MAX} bytes`);
  const key = Buffer.allocUnsafe(SHARD_PREFIX_BYTES + nameBytes);
  key.write(space, 0, 16, 'hex');
  key[16] = kind;
  key.writeUInt16BE(shard, 17);
  key.write(name, SHARD_PREFIX_BYTES, 'utf8');
  return key as RecordKey;
}

/** Takes bytes that came from a disk or a wire for a key; throws RangeError when they cannot be one. */
export function asRecordKey(bytes: Buffer): RecordKey {
  if (bytes.length < SHARD_PREFIX_BYTES || bytes.length > SHARD_PREFIX_BYTES + NAME_BYTES_MAX) {
    throw new RangeError('not a record key');
  }
  return bytes as RecordKey;
}

export function recordName(key: Buffer): string {
  return key.toString('utf8', SHARD_PREFIX_BYTES);
}

export function recordSpace(key: RecordKey): SpaceId {
  return spaceId(key.toString('hex', 0, 16));
}
