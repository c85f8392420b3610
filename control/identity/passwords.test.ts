/** Passwords: their rules, wrong ones, and what becomes of who tries too many. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { realClock } from '#common/io/real-clock.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import { defaultHashCost, PasswordHasher } from './passwords/password-hash.ts';
import { ADMIN_PASSWORD, at, ServedIdentity, textAt } from './served-identity.fixture.ts';

const FIRST = 'the first password';
const LOCKOUT_S = 300;

describe('a password', () => {
  let served: ServedIdentity;
  let admin: string;
  let aheadMs = 0;
  const clock = { ...realClock(), nowMs: () => Date.now() + aheadMs };

  before(async () => {
    served = await ServedIdentity.start(
      {
        passwordHistory: 2,
        passwordCharactersMin: 10,
        lockoutFailures: 3,
        lockoutSeconds: LOCKOUT_S,
        failuresAtOnceMax: 1000,
      },
      undefined,
      { clock },
    );
    admin = await served.admin();
  });
  after(() => served.close());

  const make = async (name: string, options: object = {}) => {
    const user = { name, password: FIRST, options };
    const { body, status } = await served.ask('POST', '/users', admin, { user });
    assert.equal(status, 201, JSON.stringify(body));
    return textAt(body, 'user.id');
  };
  const change = (id: string, original_password: string, password: string) =>
    served.ask('POST', `/users/${id}/password`, undefined, { user: { original_password, password } });

  test('is never shown, and kept as argon2id only, at its full cost', async () => {
    await using costly = await closing({}, { hashCost: defaultHashCost });
    const root = await costly.admin();
    const { body } = await costly.ask('POST', '/users', root, { user: { name: 'ann', password: FIRST } });
    const id = textAt(body, 'user.id');
    const shown = await costly.ask('GET', `/users/${id}`, root);
    assert.equal(at(shown.body, 'user.password'), undefined);
    const { entries } = await costly.identity.store.range({ from: '!', to: '\x7f' });
    assert.ok(entries.every(({ value }) => !value.includes(FIRST)));
    const kept = entries.find(({ key }) => key === `identity/password/${id}`);
    assert.match(textAt(JSON.parse(String(kept?.value)), 'hash'), /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  });

  test('has a least length, and is not one of the last ones', async () => {
    const id = await make('bob');
    assert.equal((await change(id, FIRST, 'short')).status, 400);
    assert.equal((await change(id, FIRST, FIRST)).status, 400);
    assert.equal((await change(id, 'not the first one', 'the second password')).status, 401);
    assert.equal((await change(id, FIRST, 'the second password')).status, 204);
    const again = await change(id, 'the second password', FIRST);
    assert.equal(again.status, 400);
    assert.match(textAt(again.body, 'error.message'), /last 2 passwords/);
    assert.equal((await change(id, 'the second password', 'the third password')).status, 204);
    assert.equal((await served.tryLogin('bob', 'the third password')).status, 201);
    const tooLong = await served.ask('PATCH', `/users/${id}`, admin, {
      user: { password: 'x'.repeat(1025) },
    });
    assert.equal(tooLong.status, 400);
  });

  test('wrong three times locks the user out, also with the right one, until the time has passed', async () => {
    await make('carl');
    for (let attempt = 0; attempt < 3; attempt += 1)
      assert.equal((await served.tryLogin('carl', 'a wrong guess')).status, 401);
    assert.equal((await served.tryLogin('carl', FIRST)).status, 401);
    aheadMs += LOCKOUT_S * 1000;
    assert.equal((await served.tryLogin('carl', FIRST)).status, 201);
    assert.equal((await served.tryLogin('carl', 'a wrong guess')).status, 401);
    assert.equal((await served.tryLogin('carl', FIRST)).status, 201);
  });

  test('of a user who is excepted locks nobody out', async () => {
    await make('service', { ignore_lockout_failure_attempts: true });
    for (let attempt = 0; attempt < 4; attempt += 1) await served.tryLogin('service', 'a wrong guess');
    assert.equal((await served.tryLogin('service', FIRST)).status, 201);
  });

  test('of nobody, and of a user without one, is wrong', async () => {
    await served.ask('POST', '/users', admin, { user: { name: 'no password' } });
    assert.equal((await served.tryLogin('no password', '')).status, 401);
    assert.equal((await served.tryLogin('nobody at all', 'anything at all')).status, 401);
  });

  test('expires, and is changed by who knows it', async () => {
    await using strict = await closing({ passwordDays: 1 });
    const root = await strict.admin();
    const { body } = await strict.ask('POST', '/users', root, { user: { name: 'dora', password: FIRST } });
    const id = textAt(body, 'user.id');
    assert.match(textAt(body, 'user.password_expires_at'), /^\d{4}-/);
    const key = `identity/password/${id}`;
    const { entries } = await strict.identity.store.range({ from: key, to: `${key}\0` });
    const record = { ...JSON.parse(String(entries[0]?.value)), expiresMs: 1 };
    const put = { kind: 'put', key, value: Buffer.from(JSON.stringify(record)) } as const;
    await strict.identity.store.transact({ then: [put] });
    assert.equal((await strict.tryLogin('dora', FIRST)).status, 401);
    const user = { original_password: FIRST, password: 'a newer password' };
    assert.equal((await strict.ask('POST', `/users/${id}/password`, undefined, { user })).status, 204);
    assert.equal((await strict.tryLogin('dora', 'a newer password')).status, 201);
  });

  test('tried too often from one address has to wait, whoever is meant', async () => {
    // Failures are forgiven with time, of which none passes here.
    const still = { ...realClock(), monotonicMs: () => 0 };
    await using strict = await closing({ failuresAtOnceMax: 2 }, { clock: still });
    await strict.tryLogin('one', 'wrong');
    await strict.tryLogin('two', 'wrong');
    const refused = await strict.tryLogin('admin', ADMIN_PASSWORD);
    assert.equal(refused.status, 429);
    assert.equal(refused.headers['retry-after'], '1');
  });
});

describe('the hasher', () => {
  test('tells right from wrong, also in another normal form, and refuses what would wait too long', async () => {
    const hasher = new PasswordHasher({
      randomness: realRandomness(),
      cost: defaultHashCost,
      concurrency: 1,
      waitingMax: 1,
    });
    const hash = await hasher.hash('ﬁne é');
    assert.equal(await hasher.verify('fine e\u0301', hash), true);
    assert.equal(await hasher.verify('fine e', hash), false);
    assert.equal(await hasher.verify('anything', undefined), false);
    const three = await Promise.allSettled([1, 2, 3].map(() => hasher.verify('fine é', hash)));
    assert.deepEqual(
      three.map(({ status }) => status).toSorted((a, b) => (a < b ? -1 : 1)),
      ['fulfilled', 'fulfilled', 'rejected'],
    );
  });
});

type Start = Parameters<typeof ServedIdentity.start>;

async function closing(...[settings, around]: [Start[0], Start[2]?]) {
  const served = await ServedIdentity.start(settings, undefined, around);
  return Object.assign(served, { [Symbol.asyncDispose]: () => served.close() });
}
