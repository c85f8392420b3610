/** Tokens that are made while something is taken away: of what was, they are good no longer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { realClock } from '#common/io/real-clock.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import { memoryStore } from '../../store/memory-store.ts';
import type { Store, Transaction } from '../../store/store.ts';
import { ServedIdentity, textAt } from '../served-identity.fixture.ts';
import { REVOCATIONS } from './revocation-key.ts';

/** A store in which a transaction that takes tokens back is told of before it is done, and waited with. */
class SlowStore {
  readonly store: Store;
  /** What happens while the next such transaction is on its way. */
  meanwhile: (() => Promise<void>) | undefined;

  constructor() {
    const inner = memoryStore({ clock: realClock(), randomness: realRandomness() });
    const transact = async (transaction: Transaction) => {
      const { meanwhile } = this;
      if (meanwhile !== undefined && transaction.then.some(takesBack)) {
        this.meanwhile = undefined;
        await meanwhile();
      }
      return await inner.transact(transaction);
    };
    this.store = new Proxy(inner, {
      get(target, name) {
        if (name === 'transact') return transact;
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
      },
    });
  }
}

const takesBack = (operation: Transaction['then'][number]) =>
  operation.kind === 'put' && operation.key.startsWith(REVOCATIONS);

test('one made before the change is through, and after its moment was read, is taken back', async () => {
  const slow = new SlowStore();
  const served = await ServedIdentity.start({}, undefined, { store: slow.store });
  const admin = await served.admin();
  const made = await served.ask('POST', '/users', admin, { user: { name: 'eve', password: 'a password' } });
  const userId = textAt(made.body, 'user.id');
  let token = '';
  slow.meanwhile = async () => {
    await setTimeout(5);
    token = await served.login('eve', 'a password');
    await setTimeout(5);
  };
  const change = { user: { password: 'another password' } };
  assert.equal((await served.ask('PATCH', `/users/${userId}`, admin, change)).status, 200);
  await isTakenBack(served, token, admin);
  // And who comes after the answer is not: not even in its millisecond.
  const later = await served.login('eve', 'another password');
  assert.equal(await statusOf(served, later, admin), 200);
  await served.close();
});

test('one of a password that is changed while it is checked is taken back', async () => {
  const served = await ServedIdentity.start();
  const admin = await served.admin();
  const made = await served.ask('POST', '/users', admin, { user: { name: 'eve', password: 'a password' } });
  const login = served.tryLogin('eve', 'a password');
  const change = { user: { password: 'another password' } };
  await served.ask('PATCH', `/users/${textAt(made.body, 'user.id')}`, admin, change);
  const { status, headers } = await login;
  if (status === 201) await isTakenBack(served, String(headers['x-subject-token']), admin);
  else assert.equal(status, 401);
  await served.close();
});

async function statusOf(served: ServedIdentity, token: string, admin: string): Promise<number> {
  return (await served.ask('GET', '/auth/tokens', admin, undefined, { 'x-subject-token': token })).status;
}

/** What is in the store is known to who follows it soon after. */
async function isTakenBack(served: ServedIdentity, token: string, admin: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if ((await statusOf(served, token, admin)) === 404) return;
    await setTimeout(10);
  }
  assert.fail('the token is still good');
}
