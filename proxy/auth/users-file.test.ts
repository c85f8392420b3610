import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { hasCode } from '#common/errors.ts';
import { spaceId } from '#common/ids.ts';
import { ManualClock } from '#common/io/manual-clock.ts';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import { generateKeyPair } from './access-keys.ts';
import { type User, parseUsers, readUsers, saveUsers } from './users-file.ts';
import { UsersStore } from './users-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-users-'));
after(() => rmSync(folder, { recursive: true }));

const ada: User = {
  name: 'ada',
  account: spaceId('00112233445566778899aabbccddeeff'),
  accountName: 'analysts',
  accessKey: 'HFADA',
  secretKey: 'the-secret-of-ada',
  role: 'owner',
  admin: false,
};
const grace: User = {
  ...ada,
  name: 'grace',
  accessKey: 'HFGRACE',
  secretKey: 'graces/own+secret',
  role: 'member',
  admin: true,
};

test('what is saved is read back, from a file that only its owner can read', async () => {
  const path = join(folder, 'users');
  await saveUsers(path, [ada]);
  await saveUsers(path, [ada, grace]);
  assert.deepEqual((await readUsers(path)).users, [ada, grace]);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(folder), ['users']);
});

test('a temporary file that a crash left is replaced', async () => {
  const path = join(folder, 'after-crash');
  writeFileSync(`${path}.new`, 'half a f');
  await saveUsers(path, [ada]);
  assert.deepEqual((await readUsers(path)).users, [ada]);
  assert.throws(() => statSync(`${path}.new`));
});

test('a file that others may read, or that is none, is refused', async () => {
  const path = join(folder, 'open');
  await saveUsers(path, [ada]);
  for (const mode of [0o640, 0o604, 0o620, 0o610]) {
    chmodSync(path, mode);
    await assert.rejects(readUsers(path), (error) => hasCode(error, 'configuration-invalid'));
  }
  await assert.rejects(readUsers(join(folder, 'absent')), (error) => hasCode(error, 'configuration-invalid'));
  await assert.rejects(readUsers(folder), (error) => hasCode(error, 'configuration-invalid'));
});

test('a folder that takes no file is told', async () => {
  const path = join(folder, 'nowhere', 'users');
  await assert.rejects(saveUsers(path, [ada]), (error) => hasCode(error, 'configuration-invalid'));
});

test('each mistake is refused, and no message gives a secret away', () => {
  const cases: [unknown, RegExp][] = [
    [[], /not an object/],
    [{ version: 1, users: [] }, /version is not 2/],
    [{ version: 2 }, /not a list/],
    [{ version: 2, users: [1] }, /users\[0\] is not an object/],
    [{ version: 2, users: [{ ...ada, name: '-a' }] }, /name/],
    [{ version: 2, users: [{ ...ada, account: 'ABC' }] }, /account/],
    [{ version: 2, users: [{ ...ada, accountName: '' }] }, /accountName/],
    [{ version: 2, users: [{ ...ada, accessKey: 'a/b' }] }, /accessKey/],
    [{ version: 2, users: [{ ...ada, secretKey: 'two words' }] }, /secretKey/],
    [{ version: 2, users: [{ ...ada, admin: 'no' }] }, /admin/],
    [{ version: 2, users: [{ ...ada, role: 'king' }] }, /role/],
    [{ version: 2, users: [{ ...ada, [grace.secretKey]: 1 }] }, /not known/],
    [{ version: 2, users: [ada, { ...grace, name: 'ada' }] }, /named analysts:ada/],
    [{ version: 2, users: [ada, { ...grace, accessKey: 'HFADA' }] }, /access key HFADA/],
    [{ version: 2, users: [ada, { ...grace, accountName: 'other' }] }, /two names/],
    [{ version: 2, users: [ada, { ...grace, account: 'f'.repeat(32) }] }, /two accounts/],
    [{ version: 2, users: Array.from({ length: 10_001 }, () => ada) }, /more than/],
  ];
  const refusedWith = (pattern: RegExp) => (error: unknown) =>
    hasCode(error, 'format-invalid') && pattern.test(error.message) && !error.message.includes('secret-of');
  for (const [content, pattern] of cases) {
    assert.throws(() => parseUsers(JSON.stringify(content)), refusedWith(pattern), String(pattern));
  }
  assert.throws(() => parseUsers(`{"secretKey": "the-secret-of-ada"`), refusedWith(/not JSON/));
});

test('a store follows its file, and keeps its users when the file breaks', async () => {
  const path = join(folder, 'followed');
  await saveUsers(path, [ada]);
  const problems: string[] = [];
  const clock = new ManualClock();
  const store = await UsersStore.open(path, { clock, report: (problem) => problems.push(problem) });
  const credential = store.find('HFADA');
  assert.equal(credential?.principal.userName, 'ada');
  assert.equal(store.account(ada.account)?.name, 'analysts');
  assert.equal(store.find('HFGRACE'), undefined);

  await saveUsers(path, [ada, grace]);
  await store.refresh();
  assert.equal(store.find('HFGRACE')?.principal.admin, true);
  assert.equal(store.find('HFADA'), credential, 'an unchanged credential stays the same object');

  writeFileSync(path, readFileSync(path, 'utf8').slice(1));
  await store.refresh();
  await store.refresh();
  assert.equal(problems.length, 1);
  assert.equal(store.find('HFADA'), credential);

  chmodSync(path, 0o644);
  await store.refresh();
  rmSync(path);
  await store.refresh();
  await store.refresh();
  assert.equal(problems.length, 3);

  await saveUsers(path, [{ ...grace, secretKey: 'another-secret' }]);
  await store.refresh();
  assert.equal(store.find('HFADA'), undefined);
  assert.equal(store.find('HFGRACE')?.secretKey, 'another-secret');
  assert.equal(problems.length, 3);
  store.close();
  assert.equal(clock.pendingTimers, 0);
});

test('a store looks at its file each second', async () => {
  const path = join(folder, 'polled');
  await saveUsers(path, [ada]);
  const clock = new ManualClock();
  const store = await UsersStore.open(path, { clock, report: assert.fail });
  await saveUsers(path, [grace]);
  clock.advance(1000);
  // The next look is scheduled when this one is over.
  while (clock.pendingTimers === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(store.find('HFADA'), undefined);
  assert.equal(store.find('HFGRACE')?.secretKey, grace.secretKey);
  store.close();
});

test('generated keys have their lengths and alphabets', () => {
  const randomness = seededRandomness(7);
  const pairs = Array.from({ length: 100 }, () => generateKeyPair(randomness));
  for (const { accessKey, secretKey } of pairs) {
    assert.match(accessKey, /^[A-Z2-7]{20}$/);
    assert.match(secretKey, /^[A-Za-z0-9_-]{40}$/);
  }
  assert.equal(new Set(pairs.map(({ accessKey }) => accessKey)).size, 100);
});
