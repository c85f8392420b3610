/** The record of an account: docs/formats/account-record.md. */
import { type RecordKey, recordKey, recordKinds } from '#common/codec/record-key.ts';
import type { SpaceId } from '#common/ids.ts';
import {
  encodeVersionedJson,
  integerField,
  parseVersionedJson,
  stringsField,
} from '#proxy/objects/json-section.ts';

export interface AccountRecord {
  /** `X-Account-Meta-*` by lower-case name without that prefix. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The other `X-Account-*` headers that are kept, by lower-case name: access-control. */
  readonly settings: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  readonly createdMs: number;
}

export function accountKey(account: SpaceId): RecordKey {
  return recordKey(account, recordKinds.account, 0, '');
}

export function encodeAccount(record: AccountRecord): { summary: Buffer; content: Buffer } {
  return { summary: Buffer.alloc(0), content: encodeVersionedJson(record) };
}

/** Fields that are a newer program's stay in the record when it is written again. */
export function decodeAccount(content: Buffer): AccountRecord {
  const fields = parseVersionedJson(content);
  return {
    ...fields,
    metadata: stringsField(fields, 'metadata'),
    settings: stringsField(fields, 'settings'),
    createdMs: integerField(fields, 'createdMs'),
  };
}
