/**
 * Takes away a project, a user or a group with all that hangs on it. The thing itself goes first, with its tokens, in one
 * transaction; what refers to it is worth nothing from then on and follows. An id is never used again, so what a crash
 * leaves behind does no harm.
 */
import { prefixed, keyPart } from '../../store/key-range.ts';
import { withImplied } from '../access/effective-roles.ts';
import { forbidden } from '../api-error.ts';
import type { Identity } from '../identity.ts';
import type { Grant } from '../records/grants.ts';
import { revoke } from '../tokens/revoke.ts';

const OPERATIONS_AT_ONCE = 100;

export async function removeProject(identity: Identity, id: string): Promise<void> {
  const children = (await identity.projects.list()).filter(({ parent_id }) => parent_id === id);
  if (children.length > 0) throw forbidden(`Cannot delete project ${id}: there are projects below it.`);
  await identity.projects.remove(id, () => ({ then: [revoke(identity, { projectId: id })] }));
  await removeGrants(identity, ({ target }) => target.kind === 'project' && target.id === id);
  for (const { id: credentialId, project_id } of await identity.credentials.list())
    if (project_id === id) await ignoreMissing(identity.credentials.remove(credentialId));
  for (const credential of await identity.applicationCredentials.list())
    if (credential.project_id === id)
      await ignoreMissing(identity.applicationCredentials.remove(credential.id));
}

export async function removeUser(identity: Identity, id: string): Promise<void> {
  await identity.users.remove(id, () => ({
    then: [
      ...identity.passwords.operationsToRemove(id),
      { kind: 'delete', range: prefixed(`identity/grant/user/${keyPart(id)}/`) },
      revoke(identity, { userId: id }),
    ],
  }));
  for (const groupId of await identity.members.others(id)) await identity.members.remove(id, groupId);
  for (const collection of [identity.credentials, identity.applicationCredentials, identity.accessRules])
    for (const record of await collection.listOf(id)) await ignoreMissing(collection.remove(record.id));
}

/** Its members lose what it gave them: their tokens end, in the group's transaction; of many members, those with its roles. */
export async function removeGroup(identity: Identity, id: string): Promise<void> {
  const members = await identity.members.ones(id);
  const given = await identity.grants.of({ kind: 'group', id });
  const roleIds =
    members.length > OPERATIONS_AT_ONCE
      ? await withImplied(
          identity,
          given.map(({ roleId }) => roleId),
        )
      : undefined;
  const revocations =
    roleIds === undefined
      ? members.map((userId) => revoke(identity, { userId }))
      : [...roleIds].map((roleId) => revoke(identity, { roleId }));
  await identity.groups.remove(id, () => ({
    then: [{ kind: 'delete', range: prefixed(`identity/grant/group/${keyPart(id)}/`) }, ...revocations],
  }));
  // Who became a member after they were listed had of it what they had; from now on nobody becomes one.
  for (const userId of await identity.members.ones(id)) {
    const also = members.includes(userId) ? [] : [revoke(identity, { userId })];
    await identity.members.remove(userId, id, also);
  }
}

export async function removeGrants(identity: Identity, isGone: (grant: Grant) => boolean): Promise<void> {
  const gone = (await identity.grants.all()).filter(isGone);
  for (let at = 0; at < gone.length; at += OPERATIONS_AT_ONCE)
    await identity.store.transact({
      then: gone.slice(at, at + OPERATIONS_AT_ONCE).map((grant) => identity.grants.remove(grant)),
    });
}

/** Somebody else was faster. */
async function ignoreMissing(removal: Promise<unknown>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    if (Object(error).status !== 404) throw error;
  }
}
