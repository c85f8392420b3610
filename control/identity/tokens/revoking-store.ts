/**
 * A revocation names the moment up to which tokens are taken back, and that is read before the transaction is in the store. A token
 * that is made in between, of what was true until then, would outlive it: so the moment is moved up to the transaction's end.
 */
import type { Clock } from '#common/io/clock.ts';
import type { Revocation } from '../../protocol/revocations.ts';
import { put } from '../../store/operations.ts';
import type { Operation, Store } from '../../store/store.ts';
import { decode, encode } from '../records/collection.ts';
import { REVOCATIONS } from './revocation-key.ts';

/** A clock that was set back is not waited for. */
const TICKS_MAX = 5;

/** The store, in which every transaction with a revocation takes back all tokens that were made before it was through. */
export function revokingStore(store: Store, clock: Clock): Store {
  return {
    async transact(transaction) {
      const result = await store.transact(transaction);
      const revocations = result.succeeded ? transaction.then.flatMap(revocationPut) : [];
      if (revocations.length === 0) return result;
      const throughMs = clock.nowMs();
      const { revision } = await store.transact({
        then: revocations.map(({ key, revocation }) => put(key, encode(movedUp(revocation, throughMs)))),
      });
      await passed(clock, throughMs);
      return { ...result, revision };
    },
    range: (range, options) => store.range(range, options),
    watch: (range, fromRevision) => store.watch(range, fromRevision),
    grantLease: (ttlSeconds) => store.grantLease(ttlSeconds),
    keepAlive: (lease) => store.keepAlive(lease),
    revokeLease: (lease) => store.revokeLease(lease),
    compact: (revision) => store.compact(revision),
    close: () => store.close(),
  };
}

function revocationPut(operation: Operation): { key: string; revocation: Revocation }[] {
  if (operation.kind !== 'put' || !operation.key.startsWith(REVOCATIONS)) return [];
  const { key, value } = operation;
  return [{ key, revocation: decode<Revocation>(value, key) }];
}

function movedUp(revocation: Revocation, throughMs: number): Revocation {
  const byMs = Math.max(0, throughMs - revocation.issuedBeforeMs);
  return {
    ...revocation,
    issuedBeforeMs: revocation.issuedBeforeMs + byMs,
    endsMs: revocation.endsMs + byMs,
  };
}

/** Tokens of the same millisecond are taken back: who hears that the change is made can ask for one of a later. */
async function passed(clock: Clock, ms: number): Promise<void> {
  for (let tick = 0; tick < TICKS_MAX && clock.nowMs() <= ms; tick += 1)
    await new Promise<void>((resolve) => clock.after(1, resolve));
}
