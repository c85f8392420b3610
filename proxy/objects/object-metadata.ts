/** What is known of an object beside its bytes: docs/formats/object-record.md, "Metadata". */
import { type AccessControlList, parseStoredList } from '#proxy/access/acl/access-control-list.ts';
import { HoldfastError } from '#common/errors.ts';
import { checksumAlgorithms } from '#proxy/body/request-body.ts';
import { asFields, integerField, type JsonFields, stringField, stringsField } from './json-section.ts';
import { type ObjectLock, parseStoredLock } from './object-lock.ts';
import type { StoredChecksum } from './stored-checksum.ts';
import { decodeSwiftProperties, type SwiftProperties } from './swift-properties.ts';
import { parseStoredTags, type TagSet } from './tag-set.ts';

export interface ObjectMetadata {
  /** Without quotes. */
  readonly etag: string;
  readonly sizeBytes: number;
  /** Standard headers by lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** User metadata by lower-case name, without `x-amz-meta-`. */
  readonly user: Readonly<Record<string, string>>;
  readonly checksum?: StoredChecksum;
  readonly uploadId?: string;
  readonly swift?: SwiftProperties;
  /** Absent when the object is the bucket's owner's, and nobody else's (docs/formats/access-control.md). */
  readonly acl?: AccessControlList;
  readonly tags?: TagSet;
  readonly lock?: ObjectLock;
}

/**
 * The fields themselves, once each is what it has to be. Those that are another room's, or a newer program's, stay in the record when it
 * is written again.
 */
export function decodeMetadata(fields: JsonFields): ObjectMetadata {
  stringField(fields, 'etag');
  integerField(fields, 'sizeBytes');
  stringsField(fields, 'headers');
  stringsField(fields, 'user');
  const { checksum, uploadId, swift, acl, tags, lock } = fields;
  if (uploadId !== undefined) stringField(fields, 'uploadId');
  const decoded = fields as { -readonly [Name in keyof ObjectMetadata]: ObjectMetadata[Name] };
  if (checksum !== undefined) decoded.checksum = decodeChecksum(asFields(checksum));
  if (swift !== undefined) decoded.swift = decodeSwiftProperties(swift);
  if (acl !== undefined) decoded.acl = parseStoredList(acl);
  if (tags !== undefined) decoded.tags = parseStoredTags(tags);
  if (lock !== undefined) decoded.lock = parseStoredLock(lock);
  return decoded;
}

function decodeChecksum(fields: JsonFields): StoredChecksum {
  const algorithm = checksumAlgorithms.find((name) => name === fields['algorithm']);
  const type = fields['type'];
  if (algorithm === undefined || (type !== 'FULL_OBJECT' && type !== 'COMPOSITE')) {
    throw new HoldfastError('format-invalid', 'a stored checksum is of no known kind');
  }
  return { algorithm, type, value: stringField(fields, 'value') };
}
