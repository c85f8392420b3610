/** What a client was answered, against what is there: nothing is missing, nothing is there by half. */
import assert from 'node:assert/strict';
import { type IdentityClient, isGranted } from './identity-client.ts';
import type { Intent } from './intent.ts';
import type { Cloud, Snapshot } from './snapshot.ts';

/** Every grant is somebody's who is there, on what is there. */
export function verifyCloud({ projects, users, assignments }: Cloud): void {
  const [projectIds, userIds] = [projects, users].map((list) => new Set(list.map(({ id }) => id)));
  for (const { user, scope } of assignments) {
    assert.ok(user === undefined || userIds?.has(user.id), `a grant of nobody: ${user?.id}`);
    assert.ok(
      scope.project === undefined || projectIds?.has(scope.project.id),
      `a grant on no project: ${scope.project?.id}`,
    );
  }
}

export async function verifyIntent(
  client: IdentityClient,
  admin: string,
  intent: Intent,
  seen: Snapshot,
): Promise<void> {
  verifyLists(intent, seen);
  for (const token of intent.tokens)
    assert.equal(
      await client.isTokenGood(admin, token.token),
      !token.isRevoked,
      `a token of ${token.userId}`,
    );
  for (const { access, secret, userId, projectId, isDeleted } of intent.keys) {
    const wanted = !isDeleted && intent.mayAct(userId, projectId);
    assert.equal(await client.isKeyUsable(admin, access, secret), wanted, `key ${access}`);
  }
  for (const user of intent.users.values()) {
    if (!user.hasNewPassword) continue;
    assert.ok(isGranted(await client.login(user.name, user.password)), `the password of ${user.name}`);
    if (user.formerPassword !== undefined)
      assert.ok(!isGranted(await client.login(user.name, user.formerPassword)), `old: ${user.name}`);
    user.hasNewPassword = false;
  }
  for (const each of intent.applicationCredentials) {
    if (each.isLookedAt) continue;
    const wanted = !each.isDeleted && intent.mayAct(each.userId, each.projectId);
    assert.equal(isGranted(await client.loginByCredential(each.id, each.secret)), wanted, each.name);
    each.isLookedAt = true;
  }
}

function verifyLists(intent: Intent, { cloud, keys, applicationCredentials }: Snapshot): void {
  const own = (list: readonly { readonly name: string }[]) =>
    list.map(({ name }) => name).filter((name) => name.startsWith(intent.prefix));
  same(
    own(cloud.projects),
    [...intent.projects.values()].map(({ name }) => name),
    'projects',
  );
  same(
    own(cloud.users),
    [...intent.users.values()].map(({ name }) => name),
    'users',
  );
  const given = cloud.assignments.flatMap(({ user, scope }) =>
    user !== undefined && intent.users.has(user.id) ? [`${user.id} ${scope.project?.id}`] : [],
  );
  const granted = [...intent.users.values()].flatMap(({ id, memberOf }) =>
    [...memberOf].map((projectId) => `${id} ${projectId}`),
  );
  same(given, granted, 'grants');
  const there = <Item extends { readonly isDeleted: boolean }>(list: readonly Item[]) =>
    list.filter(({ isDeleted }) => !isDeleted);
  same(
    keys.map(({ access }) => access),
    there(intent.keys).map(({ access }) => access),
    'keys',
  );
  same(
    applicationCredentials.map(({ name }) => name),
    there(intent.applicationCredentials).map(({ name }) => name),
    'application credentials',
  );
}

function same(found: readonly string[], wanted: readonly string[], what: string): void {
  assert.deepEqual(found.toSorted(), wanted.toSorted(), what);
}
