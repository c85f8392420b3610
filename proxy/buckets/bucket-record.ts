/** The two records of a bucket: docs/formats/bucket-record.md. */
import { ByteWriter } from '#common/codec/byte-writer.ts';
import { type RecordKey, recordKey, recordKinds } from '#common/codec/record-key.ts';
import { HoldfastError } from '#common/errors.ts';
import { type SpaceId, spaceId } from '#common/ids.ts';
import { BUCKET_SUMMARY_VERSION } from '#control/protocol/bucket-summary.ts';
import { writeU48 } from '#proxy/objects/body-layout.ts';
import { indexShard } from '#proxy/objects/index-shard.ts';
import {
  asFields,
  encodeVersionedJson,
  integerField,
  type JsonFields,
  parseVersionedJson,
  stringField,
  stringsField,
} from '#proxy/objects/json-section.ts';

const SUMMARY_BYTES = 31;
const CLAIM_SHARDS = 256;
const SHARDS_MAX = 1024;
const ROOT_SPACE = spaceId('0'.repeat(32));

export interface BucketClaim {
  readonly account: SpaceId;
  readonly bucketId: SpaceId;
}

export interface BucketDeletion {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly startedMs: number;
}

/** What a bucket has as a container of Swift's, besides its objects. */
export interface ContainerFields {
  /** `X-Container-Meta-*` by lower-case name without that prefix. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The other `X-Container-*` headers that are kept, by lower-case name: read, write, sync-to, sync-key. */
  readonly settings: Readonly<Record<string, string>>;
  /** Milliseconds since 1970 of the last change of these fields. */
  readonly modifiedMs: number;
}

export type Versioning = 'enabled' | 'suspended';

export interface BucketRecord {
  readonly bucketId: SpaceId;
  /** Milliseconds since 1970. */
  readonly createdMs: number;
  readonly shards: number;
  readonly owner: SpaceId;
  readonly ownerName: string;
  readonly deletion?: BucketDeletion;
  readonly container?: ContainerFields;
  /** Undefined as long as nobody has ever enabled it. */
  readonly versioning?: Versioning;
  /** Documents by name: docs/formats/access-control.md. Absent until one is first set; kept, if empty, ever after. */
  readonly configuration?: Readonly<Record<string, string>>;
}

export function claimKey(name: string): RecordKey {
  return recordKey(ROOT_SPACE, recordKinds.claim, indexShard(name, CLAIM_SHARDS), name);
}

export function bucketKey(account: SpaceId, name: string): RecordKey {
  return recordKey(account, recordKinds.bucket, 0, name);
}

export function encodeClaim(claim: BucketClaim): { summary: Buffer; content: Buffer } {
  return { summary: Buffer.alloc(0), content: encodeVersionedJson(claim) };
}

export function decodeClaim(content: Buffer): BucketClaim {
  const fields = parseVersionedJson(content);
  return { account: spaceField(fields, 'account'), bucketId: spaceField(fields, 'bucketId') };
}

export function encodeBucket(bucket: BucketRecord): { summary: Buffer; content: Buffer } {
  const writer = new ByteWriter(SUMMARY_BYTES).u8(BUCKET_SUMMARY_VERSION);
  writeU48(writer, bucket.createdMs);
  writeU48(writer, bucket.container?.modifiedMs ?? bucket.createdMs);
  writer.hex(bucket.bucketId).u16(bucket.shards);
  return { summary: writer.done(), content: encodeVersionedJson(bucket) };
}

/** Fields that are another room's, or a newer program's, stay in the record when it is written again. */
export function decodeBucket(content: Buffer): BucketRecord {
  const whole = parseVersionedJson(content);
  const { deletion, container, configuration, versioning, ...fields } = whole;
  const shards = integerField(fields, 'shards');
  if (shards < 1 || shards > SHARDS_MAX)
    throw new HoldfastError('format-invalid', `a bucket of ${shards} shards`);
  return {
    ...fields,
    bucketId: spaceField(fields, 'bucketId'),
    createdMs: integerField(fields, 'createdMs'),
    shards,
    owner: spaceField(fields, 'owner'),
    ownerName: stringField(fields, 'ownerName'),
    ...(deletion === undefined ? undefined : { deletion: decodeDeletion(asFields(deletion)) }),
    ...(container === undefined ? undefined : { container: decodeContainer(asFields(container)) }),
    ...(configuration === undefined ? undefined : { configuration: stringsField(whole, 'configuration') }),
    ...(versioning === undefined ? undefined : { versioning: decodeVersioning(versioning) }),
  };
}

function decodeVersioning(value: unknown): Versioning {
  if (value === 'enabled' || value === 'suspended') return value;
  throw new HoldfastError('format-invalid', 'the versioning of a bucket is of no known kind');
}

function decodeContainer(fields: JsonFields): ContainerFields {
  return {
    metadata: stringsField(fields, 'metadata'),
    settings: stringsField(fields, 'settings'),
    modifiedMs: integerField(fields, 'modifiedMs'),
  };
}

function decodeDeletion(fields: JsonFields): BucketDeletion {
  return { id: stringField(fields, 'id'), startedMs: integerField(fields, 'startedMs') };
}

function spaceField(fields: JsonFields, name: string): SpaceId {
  try {
    return spaceId(stringField(fields, name));
  } catch (error) {
    throw new HoldfastError('format-invalid', `${name} is not a space id`, { cause: error });
  }
}
