/** Keys and values of the store's LevelDB: docs/formats/control-store.md, "`level`: the files". */
import { crc32c } from '@node-rs/crc32';
import { ByteReader } from '#common/codec/byte-reader.ts';
import { ByteWriter } from '#common/codec/byte-writer.ts';
import { HoldfastError } from '#common/errors.ts';
import type { Version } from '../mvcc/journal.ts';
import type { LeaseId } from '../store.ts';

export const FORMAT_KEY = Buffer.from('f');
export const FORMAT = Buffer.from('holdfast control store 1');
export const STATE_KEY = Buffer.from('s');
/** The first byte of the other LevelDB keys. */
export const tags = { version: 0x76, lease: 0x6c } as const;

const SUM_BYTES = 4;
const STATE_BYTES = 16;
const LEASE_BYTES = 4;
const VERSION_HEAD_BYTES = 25;

export interface StoredState {
  readonly revision: number;
  readonly compactedRevision: number;
}

/** The version's own revision is in its LevelDB key. */
export function versionKey(key: string, revision: number): Buffer {
  return new ByteWriter(key.length + 10)
    .u8(tags.version)
    .raw(Buffer.from(key, 'latin1'))
    .u8(0)
    .u64(revision)
    .done();
}

export function readVersionKey(at: Buffer): { key: string; revision: number } {
  const reader = new ByteReader(at, 'data-corrupt');
  reader.u8();
  const key = reader.raw(at.length - 10).toString('latin1');
  if (reader.u8() !== 0) throw corrupt('a key without its end');
  return { key, revision: reader.u64() };
}

export function versionValue(at: Buffer, version: Version): Buffer {
  const { createRevision, version: count, lease, value } = version;
  const bytes = new ByteWriter(VERSION_HEAD_BYTES + (value?.length ?? 0) + SUM_BYTES)
    .u8(value === undefined ? 0 : 1)
    .u64(createRevision)
    .u64(count)
    .raw(leaseBytes(lease));
  if (value !== undefined) bytes.raw(value);
  return summed(at, bytes);
}

export function readVersionValue(at: Buffer, revision: number, bytes: Buffer): Version {
  const reader = new ByteReader(checked(at, bytes), 'data-corrupt');
  const hasValue = reader.flag();
  const createRevision = reader.u64();
  const version = reader.u64();
  const lease = readLeaseBytes(reader.raw(8));
  // Of its own, so that the whole block that LevelDB read is not kept for it.
  const value = Buffer.from(reader.raw(reader.left));
  const isSound = hasValue
    ? createRevision >= 1 && createRevision <= revision && version >= 1
    : createRevision === 0 && version === 0 && lease === undefined && value.length === 0;
  if (!isSound) throw corrupt('a version with fields that do not fit each other');
  return { revision, createRevision, version, lease, value: hasValue ? value : undefined };
}

export function stateValue({ revision, compactedRevision }: StoredState): Buffer {
  return summed(STATE_KEY, new ByteWriter(STATE_BYTES + SUM_BYTES).u64(revision).u64(compactedRevision));
}

export function readStateValue(bytes: Buffer): StoredState {
  const reader = new ByteReader(checked(STATE_KEY, bytes), 'data-corrupt');
  const state = { revision: reader.u64(), compactedRevision: reader.u64() };
  reader.end();
  if (state.revision < 1 || state.compactedRevision > state.revision) throw corrupt('revisions out of order');
  return state;
}

export function leaseKey(id: LeaseId): Buffer {
  return new ByteWriter(9).u8(tags.lease).raw(leaseBytes(id)).done();
}

export function readLeaseKey(at: Buffer): LeaseId {
  const id = at.length === 9 ? readLeaseBytes(at.subarray(1)) : undefined;
  if (id === undefined) throw corrupt('a lease without a number');
  return id;
}

export function leaseValue(at: Buffer, ttlSeconds: number): Buffer {
  return summed(at, new ByteWriter(LEASE_BYTES + SUM_BYTES).u32(ttlSeconds));
}

export function readLeaseValue(at: Buffer, bytes: Buffer): number {
  const reader = new ByteReader(checked(at, bytes), 'data-corrupt');
  const ttlSeconds = reader.u32();
  reader.end();
  return ttlSeconds;
}

export function corrupt(detail: string): HoldfastError {
  return new HoldfastError('data-corrupt', `the control store has ${detail}`);
}

function leaseBytes(id: LeaseId | undefined): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(BigInt(id ?? 0));
  return bytes;
}

function readLeaseBytes(bytes: Buffer): LeaseId | undefined {
  const number = bytes.readBigUInt64BE();
  return number === 0n ? undefined : (number.toString() as LeaseId);
}

/** The checksum covers the LevelDB key too: a value that stands under another key is found. */
function summed(at: Buffer, writer: ByteWriter): Buffer {
  const body = writer.buffer.subarray(0, -SUM_BYTES);
  return writer.u32(crc32c(body, crc32c(at))).done();
}

function checked(at: Buffer, bytes: Buffer): Buffer {
  if (bytes.length < SUM_BYTES) throw corrupt('a value that is cut off');
  const body = bytes.subarray(0, -SUM_BYTES);
  if (bytes.readUInt32BE(body.length) !== crc32c(body, crc32c(at)))
    throw corrupt('a value whose checksum does not fit');
  return body;
}
