/** What an account may hold of what the cluster itself counts: docs/formats/quota-record.md, "The quota record". */
import { type RecordKey, recordKey, recordKinds } from '#common/codec/record-key.ts';
import { HoldfastError } from '#common/errors.ts';
import { type SpaceId, spaceId } from '#common/ids.ts';

export type StoredQuotaName = 'bytes' | 'objects' | 'containers';
export const storedQuotaNames: readonly StoredQuotaName[] = ['bytes', 'objects', 'containers'];

/** A limit that is left out is the default; this one says that there is none. */
export const UNLIMITED = -1;
export type StoredQuotas = Readonly<Partial<Record<StoredQuotaName, number>>>;

/** Its record says what holds for every account that says nothing of it. */
export const DEFAULT_QUOTAS_SPACE = spaceId('0'.repeat(32));

const VERSION = 1;

export function quotaKey(account: SpaceId): RecordKey {
  return recordKey(account, recordKinds.quota, 0, '');
}

/** @param before the record that it replaces: what it holds besides limits stays. */
export function encodeQuotas(
  limits: StoredQuotas,
  before: Buffer | undefined,
): { summary: Buffer; content: Buffer } {
  const kept = before === undefined ? {} : fieldsOf(before);
  const json = Buffer.from(JSON.stringify({ ...kept, limits }));
  return { summary: Buffer.alloc(0), content: Buffer.concat([Buffer.from([VERSION]), json]) };
}

/** Throws `format-invalid`. */
export function decodeQuotas(content: Buffer): StoredQuotas {
  const { limits } = fieldsOf(content);
  const given = Object(limits) as Record<string, unknown>;
  const quotas: Partial<Record<StoredQuotaName, number>> = {};
  for (const name of storedQuotaNames) {
    const limit = given[name];
    if (limit === undefined) continue;
    if (!isLimit(limit)) throw new HoldfastError('format-invalid', `${name} is not a limit`);
    quotas[name] = limit;
  }
  return quotas;
}

/** A whole number below 2^53, or -1 for none. */
export function isLimit(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= UNLIMITED;
}

function fieldsOf(content: Buffer): Record<string, unknown> {
  if (content[0] !== VERSION)
    throw new HoldfastError('format-invalid', `a quota record of version ${content[0]}`);
  try {
    return Object(JSON.parse(content.toString('utf8', 1))) as Record<string, unknown>;
  } catch (error) {
    throw new HoldfastError('format-invalid', 'a quota record is not JSON', { cause: error });
  }
}
