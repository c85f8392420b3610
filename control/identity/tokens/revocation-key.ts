/** Where revocations are in the store. */
import type { Revocation } from '../../protocol/revocations.ts';
import type { Entry } from '../../store/store.ts';
import { decode } from '../records/collection.ts';

export const REVOCATIONS = 'identity/revocation/';

export function revocationIn({ key, value }: Entry): Revocation {
  return decode<Revocation>(value, key);
}
