/** The entry of an object that is to be removed: docs/formats/expiry-record.md. */
import { type RecordKey, recordKey, recordKinds } from '#common/codec/record-key.ts';
import { HoldfastError } from '#common/errors.ts';
import { isSpaceId, type SpaceId, spaceId } from '#common/ids.ts';
import type { BucketAddress } from './bucket-access.ts';
import { indexShard } from './index-shard.ts';
import { encodeVersionedJson, integerField, parseVersionedJson, stringField } from './json-section.ts';

export const EXPIRY_SPACE = spaceId('0'.repeat(32));
export const EXPIRY_SHARDS = 16;
const TIME_DIGITS = 12;
const NAME = /^(\d{12})\/([0-9a-f]{32})\/(.+)$/s;
const NONE = Buffer.alloc(0);

export interface ExpiringObject {
  /** Seconds since 1970. */
  readonly deleteAtSeconds: number;
  readonly bucketId: SpaceId;
  readonly name: string;
}

export interface ExpiryEntry {
  readonly bucket: BucketAddress;
  /** Milliseconds since 1970, by the ballot that wrote it. */
  readonly queuedMs: number;
}

export function expiryKey({ deleteAtSeconds, bucketId, name }: ExpiringObject): RecordKey {
  const subject = `${bucketId}/${name}`;
  const time = String(deleteAtSeconds).padStart(TIME_DIGITS, '0');
  const shard = indexShard(subject, EXPIRY_SHARDS);
  return recordKey(EXPIRY_SPACE, recordKinds.expiry, shard, `${time}/${subject}`);
}

/** What an entry's name says. Throws `format-invalid`. */
export function expiringObject(entryName: string): ExpiringObject {
  const [, time, bucketId, name] = NAME.exec(entryName) ?? [];
  if (time === undefined || bucketId === undefined || name === undefined)
    throw new HoldfastError('format-invalid', 'the name of an expiry entry is malformed');
  return { deleteAtSeconds: Number(time), bucketId: spaceId(bucketId), name };
}

export function encodeExpiry({ bucket, queuedMs }: ExpiryEntry): { summary: Buffer; content: Buffer } {
  const { account, name } = bucket;
  return { summary: encodeVersionedJson({ account, bucket: name, queuedMs }), content: NONE };
}

export function decodeExpiry(summary: Buffer): ExpiryEntry {
  const fields = parseVersionedJson(summary);
  const account = stringField(fields, 'account');
  if (!isSpaceId(account)) throw new HoldfastError('format-invalid', 'an expiry entry of no account');
  return {
    bucket: { account: spaceId(account), name: stringField(fields, 'bucket') },
    queuedMs: integerField(fields, 'queuedMs'),
  };
}
