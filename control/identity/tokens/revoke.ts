/** Takes tokens back: in the same transaction as the change that they must not outlive. */
import type { Revocation } from '../../protocol/revocations.ts';
import { LATE_TOKEN_MS_MAX } from '../../protocol/token-verifier.ts';
import { put } from '../../store/operations.ts';
import type { Operation } from '../../store/store.ts';
import type { Identity } from '../identity.ts';
import { newId } from '../new-id.ts';
import { REVOCATIONS } from './revocation-key.ts';
import { encode } from '../records/collection.ts';

export type Revoked = Omit<Revocation, 'id' | 'issuedBeforeMs' | 'endsMs'>;

export function revoke({ clock, randomness, settings }: Identity, what: Revoked): Operation {
  const nowMs = clock.nowMs();
  const id = newId(randomness);
  const revocation: Revocation = {
    ...what,
    id,
    issuedBeforeMs: nowMs,
    endsMs: nowMs + settings.tokenSeconds * 1000 + LATE_TOKEN_MS_MAX,
  };
  return put(REVOCATIONS + id, encode(revocation));
}
