/** The entries of quotas in the control store: docs/formats/quota-store.md. */
import { HoldfastError } from '#common/errors.ts';
import { isLimit } from '../protocol/quota-record.ts';
import { keyPart } from '../store/key-range.ts';
import { type Amounts, type CountedQuotaName, countedQuotaNames } from './quota-catalogue.ts';

export const DEFAULT_LIMITS_KEY = 'quota/limits/default';

export function limitsKey(project: string): string {
  return `quota/limits/${keyPart(project)}`;
}

export function usedKey(project: string): string {
  return `quota/used/${keyPart(project)}`;
}

export function encodeAmounts(amounts: Amounts): Buffer {
  return Buffer.from(JSON.stringify(amounts));
}

/** Of a missing entry: nothing. Names that are not known are left out. Throws `format-invalid`. */
export function decodeAmounts(value: Buffer | undefined): Amounts {
  if (value === undefined) return {};
  const fields = parsed(value);
  const amounts: Partial<Record<CountedQuotaName, number>> = {};
  for (const name of countedQuotaNames) {
    const amount = fields[name];
    if (amount === undefined) continue;
    if (!isLimit(amount)) throw new HoldfastError('format-invalid', `${name} of a quota is not a number`);
    amounts[name] = amount;
  }
  return amounts;
}

function parsed(value: Buffer): Record<string, unknown> {
  try {
    return Object(JSON.parse(value.toString())) as Record<string, unknown>;
  } catch (error) {
    throw new HoldfastError('format-invalid', 'a quota is not JSON', { cause: error });
  }
}
