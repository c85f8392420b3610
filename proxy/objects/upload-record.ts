/** The record of a multipart upload: docs/formats/upload-record.md, "Upload". */
import { ByteReader } from '#common/codec/byte-reader.ts';
import { ByteWriter } from '#common/codec/byte-writer.ts';
import { HoldfastError } from '#common/errors.ts';
import { type SpaceId, spaceId } from '#common/ids.ts';
import type { Randomness } from '#common/io/randomness.ts';
import { type AccessControlList, parseStoredList } from '#proxy/access/acl/access-control-list.ts';
import { checksumAlgorithms } from '#proxy/body/request-body.ts';
import { readU48, writeU48 } from './body-layout.ts';
import {
  asFields,
  encodeVersionedJson,
  integerField,
  type JsonFields,
  parseVersionedJson,
  stringField,
  stringsField,
} from './json-section.ts';
import type { ChecksumPlan } from './stored-checksum.ts';
import { type ObjectLock, parseStoredLock } from './object-lock.ts';
import { parseStoredTags, type TagSet } from './tag-set.ts';

const VERSION = 2;
const COMPLETING_FLAG = 1;
const OWNER_FLAG = 2;
const UPLOAD_ID = /^[0-9a-f]{32}$/;
/** How long after its start a completion keeps others out. */
export const COMPLETION_TAKEOVER_MS = 30_000;

export interface Completion {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly startedMs: number;
}

export interface UploadRecord {
  readonly initiatedMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly user: Readonly<Record<string, string>>;
  readonly checksum?: ChecksumPlan;
  /** The object's, once it is completed. */
  readonly acl?: AccessControlList;
  readonly tags?: TagSet;
  readonly lock?: ObjectLock;
  /** Present while the upload is being completed. */
  readonly completion?: Completion;
}

/** Whether somebody may still write the object that the parts make. */
export function isBeingCompleted({ completion }: UploadRecord, nowMs: number): boolean {
  return completion !== undefined && nowMs - completion.startedMs < COMPLETION_TAKEOVER_MS;
}

export interface UploadSummary {
  readonly initiatedMs: number;
  readonly completing: boolean;
  /** Who owns the object to be, when that is not the bucket's owner. */
  readonly owner: SpaceId | undefined;
}

export function newUploadId(nowMs: number, randomness: Randomness): string {
  return nowMs.toString(16).padStart(12, '0') + randomness.bytes(10).toString('hex');
}

/** Milliseconds since 1970 at which the upload was begun. */
export function uploadTimeMs(uploadId: string): number {
  return Number.parseInt(uploadId.slice(0, 12), 16);
}

export function isUploadId(text: string): boolean {
  return UPLOAD_ID.test(text);
}

export function uploadName(key: string, uploadId: string): string {
  return `${key}\u0000${uploadId}`;
}

export function splitUploadName(name: string): { key: string; uploadId: string } {
  const at = name.lastIndexOf('\u0000');
  const uploadId = name.slice(at + 1);
  if (at < 1 || !isUploadId(uploadId))
    throw new HoldfastError('format-invalid', 'the name of an upload is malformed');
  return { key: name.slice(0, at), uploadId };
}

export function encodeUpload(upload: UploadRecord): { summary: Buffer; content: Buffer } {
  const owner = upload.acl?.owner;
  const writer = new ByteWriter(owner === undefined ? 8 : 24).u8(VERSION);
  writer.u8((upload.completion === undefined ? 0 : COMPLETING_FLAG) | (owner === undefined ? 0 : OWNER_FLAG));
  writeU48(writer, upload.initiatedMs);
  if (owner !== undefined) writer.hex(owner);
  return { summary: writer.done(), content: encodeVersionedJson(upload) };
}

export function decodeUploadSummary(bytes: Buffer): UploadSummary {
  const reader = new ByteReader(bytes, 'format-invalid');
  const version = reader.u8();
  if (version !== VERSION) throw reader.violation(`an upload of version ${version}`);
  const flags = reader.u8();
  if ((flags & ~(COMPLETING_FLAG | OWNER_FLAG)) !== 0) throw reader.violation(`flags ${flags} are unknown`);
  const initiatedMs = readU48(reader);
  const owner = (flags & OWNER_FLAG) === 0 ? undefined : spaceId(reader.hex(16));
  reader.end();
  return { initiatedMs, completing: (flags & COMPLETING_FLAG) !== 0, owner };
}

export function decodeUpload(content: Buffer): UploadRecord {
  const fields = parseVersionedJson(content);
  const completion = fields['completion'];
  const { checksum, acl, tags, lock } = fields;
  return {
    initiatedMs: integerField(fields, 'initiatedMs'),
    headers: stringsField(fields, 'headers'),
    user: stringsField(fields, 'user'),
    ...(checksum === undefined ? undefined : { checksum: decodePlan(asFields(checksum)) }),
    ...(acl === undefined ? undefined : { acl: parseStoredList(acl) }),
    ...(tags === undefined ? undefined : { tags: parseStoredTags(tags) }),
    ...(lock === undefined ? undefined : { lock: parseStoredLock(lock) }),
    ...(completion === undefined ? undefined : { completion: decodeCompletion(asFields(completion)) }),
  };
}

function decodeCompletion(fields: JsonFields): Completion {
  return { id: stringField(fields, 'id'), startedMs: integerField(fields, 'startedMs') };
}

function decodePlan(fields: JsonFields): ChecksumPlan {
  const algorithm = checksumAlgorithms.find((name) => name === fields['algorithm']);
  const type = fields['type'];
  if (algorithm === undefined || (type !== 'FULL_OBJECT' && type !== 'COMPOSITE')) {
    throw new HoldfastError('format-invalid', 'the checksum of an upload is of no known kind');
  }
  return { algorithm, type };
}
