/** The object lock of a new object, as headers ask for it, and of a stored one, as headers tell it. */
import { defaultRetention, hasLock } from '#proxy/buckets/bucket-lock.ts';
import type { BucketRecord } from '#proxy/buckets/bucket-record.ts';
import { type ObjectLock, type Retention, retentionModes } from '#proxy/objects/object-lock.ts';
import { invalidArgument, S3Error } from '../errors.ts';
import type { FlatHeaders } from '../reply.ts';
import { isoTime } from '../time-format.ts';

type HeaderOf = (name: string) => string | undefined;

const MODE = 'x-amz-object-lock-mode';
const UNTIL = 'x-amz-object-lock-retain-until-date';
const HOLD = 'x-amz-object-lock-legal-hold';
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)$/;

/** Undefined when neither the request nor the bucket asks for one. */
export function lockOfNewObject(
  header: HeaderOf,
  bucket: BucketRecord,
  nowMs: number,
): ObjectLock | undefined {
  const hold = header(HOLD);
  const asked = askedRetention(header, nowMs);
  if ((hold !== undefined || asked !== undefined) && !hasLock(bucket))
    throw new S3Error('InvalidRequest', 'Bucket is missing Object Lock Configuration');
  if (hold !== undefined && hold !== 'ON' && hold !== 'OFF')
    throw invalidArgument('Legal Hold must be either of ON or OFF', HOLD, hold);
  const retention = asked ?? defaultRetention(bucket, nowMs);
  if (retention === undefined && hold === undefined) return undefined;
  return {
    ...(retention === undefined ? undefined : { retention }),
    ...(hold === undefined ? undefined : { legalHold: hold === 'ON' }),
  };
}

export function asksForRetention(header: HeaderOf): boolean {
  return header(MODE) !== undefined || header(UNTIL) !== undefined;
}

export function asksForHold(header: HeaderOf): boolean {
  return header(HOLD) !== undefined;
}

function askedRetention(header: HeaderOf, nowMs: number): Retention | undefined {
  const named = header(MODE);
  const until = header(UNTIL);
  if (named === undefined && until === undefined) return undefined;
  if (named === undefined || until === undefined) {
    const message = `${UNTIL} and ${MODE} must both be supplied`;
    throw invalidArgument(message, named === undefined ? MODE : UNTIL, '');
  }
  const mode = retentionModes.find((known) => known === named);
  if (mode === undefined) throw invalidArgument('Unknown wormMode directive.', MODE, named);
  const untilMs = parseIsoTime(until);
  if (untilMs === undefined) throw invalidArgument('The date is not in ISO 8601 form', UNTIL, until);
  if (untilMs <= nowMs) throw invalidArgument('The retain until date must be in the future!', UNTIL, until);
  return { mode, untilMs };
}

export function parseIsoTime(text: string): number | undefined {
  const ms = ISO_TIME.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) || ms < 0 ? undefined : ms;
}

export function pushLock(into: FlatHeaders, lock: ObjectLock | undefined): void {
  if (lock === undefined) return;
  const { retention, legalHold } = lock;
  if (retention !== undefined) into.push(MODE, retention.mode, UNTIL, isoTime(retention.untilMs));
  if (legalHold !== undefined) into.push(HOLD, legalHold ? 'ON' : 'OFF');
}
