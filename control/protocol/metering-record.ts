/** What proxies note of the use of accounts: docs/formats/metering-record.md. */
import { crc32 } from 'node:zlib';
import { type RecordKey, recordKey, recordKinds } from '#common/codec/record-key.ts';
import { HoldfastError } from '#common/errors.ts';
import { isSpaceId, type SpaceId, spaceId } from '#common/ids.ts';

/** Where all of it is. */
export const METERING_SPACE = spaceId('0'.repeat(32));
export const METERING_SHARDS = 16;
const VERSION = 1;
const HOUR_MS = 3_600_000;

declare const brand: unique symbol;
/** Such as `2026-01-31T09`, in UTC; sorts as time does. */
export type Hour = string & { readonly [brand]: 'Hour' };

export type RequestClass = 'read' | 'list' | 'write' | 'delete';
export const requestClasses: readonly RequestClass[] = ['read', 'list', 'write', 'delete'];

export interface TrafficTotals {
  readonly requests: Readonly<Record<RequestClass, number>>;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** Everything that one run of a process has counted of an account in an hour. */
export interface TrafficRecord extends TrafficTotals {
  /** Higher each time that it is written. */
  readonly sequence: number;
}

export interface StorageSample {
  readonly bytes: number;
  readonly objects: number;
  readonly containers: number;
  /** Milliseconds since 1970. */
  readonly sampledMs: number;
}

/** @param timeMs milliseconds since 1970. */
export function hourOf(timeMs: number): Hour {
  return new Date(timeMs).toISOString().slice(0, 13) as Hour;
}

/** Milliseconds since 1970 of its first moment. Undefined for what is no hour. */
export function parseHour(text: string): { readonly hour: Hour; readonly startMs: number } | undefined {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}$/.test(text)) return undefined;
  const startMs = Date.parse(`${text}:00:00Z`);
  return Number.isNaN(startMs) || hourOf(startMs) !== text ? undefined : { hour: text as Hour, startMs };
}

/** The hour so many hours later. */
export function laterHour(hour: Hour, hours: number): Hour {
  return hourOf(Date.parse(`${hour}:00:00Z`) + hours * HOUR_MS);
}

export function accountRowKey(account: SpaceId): RecordKey {
  return rowKey(recordKinds.meteredAccount, account, account);
}

export function trafficKey(hour: Hour, account: SpaceId, run: string): RecordKey {
  return rowKey(recordKinds.traffic, account, `${hour}/${account}/${run}`);
}

export function sampleKey(hour: Hour, account: SpaceId): RecordKey {
  return rowKey(recordKinds.storageSample, account, `${hour}/${account}`);
}

/** The account that a row's name bears; undefined for a name of another form. */
export function accountOfRow(name: string): SpaceId | undefined {
  const account = name.includes('/') ? name.split('/')[1] : name;
  return account !== undefined && isSpaceId(account) ? spaceId(account) : undefined;
}

export function encodeRow(row: object): { summary: Buffer; content: Buffer } {
  const summary = Buffer.concat([Buffer.from([VERSION]), Buffer.from(JSON.stringify(row))]);
  return { summary, content: Buffer.alloc(0) };
}

/** Throws `format-invalid`. */
export function decodeTraffic(summary: Buffer): TrafficRecord {
  const fields = fieldsOf(summary);
  const requests = Object(fields['requests']) as Record<string, unknown>;
  return {
    sequence: count(fields, 'sequence'),
    requests: {
      read: count(requests, 'read'),
      list: count(requests, 'list'),
      write: count(requests, 'write'),
      delete: count(requests, 'delete'),
    },
    bytesIn: count(fields, 'bytesIn'),
    bytesOut: count(fields, 'bytesOut'),
  };
}

/** Throws `format-invalid`. */
export function decodeSample(summary: Buffer): StorageSample {
  const fields = fieldsOf(summary);
  return {
    bytes: count(fields, 'bytes'),
    objects: count(fields, 'objects'),
    containers: count(fields, 'containers'),
    sampledMs: count(fields, 'sampledMs'),
  };
}

type RowKind =
  | typeof recordKinds.meteredAccount
  | typeof recordKinds.traffic
  | typeof recordKinds.storageSample;

function rowKey(kind: RowKind, account: SpaceId, name: string): RecordKey {
  return recordKey(METERING_SPACE, kind, crc32(account) % METERING_SHARDS, name);
}

/** Throws `format-invalid`. */
export function fieldsOf(summary: Buffer): Record<string, unknown> {
  if (summary[0] !== VERSION)
    throw new HoldfastError('format-invalid', `a metering record of version ${summary[0]}`);
  try {
    return Object(JSON.parse(summary.toString('utf8', 1))) as Record<string, unknown>;
  } catch (error) {
    throw new HoldfastError('format-invalid', 'a metering record is not JSON', { cause: error });
  }
}

function count(fields: Record<string, unknown>, name: string): number {
  const value = fields[name];
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    throw new HoldfastError('format-invalid', `${name} of a metering record is not a count`);
  return value as number;
}
