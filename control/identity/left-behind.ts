/**
 * What a removal that was cut off has left: grants on projects that are gone, credentials of users or projects that are gone.
 * It is worth nothing, but lists would show it. It is removed at each start, before anybody is served.
 */
import { removeGrants } from './api/removal.ts';
import { ApiError } from './api-error.ts';
import type { Identity } from './identity.ts';

export async function removeLeftBehind(identity: Identity): Promise<void> {
  const { credentials, applicationCredentials, accessRules } = identity;
  // What refers is read before what it refers to: an id is never used again, so what is missing then stays missing.
  const grants = await identity.grants.all();
  const [keys, delegations, rules] = await Promise.all([
    credentials.list(),
    applicationCredentials.list(),
    accessRules.list(),
  ]);
  const projects = new Set((await identity.projects.list()).map(({ id }) => id));
  const users = new Set((await identity.users.list()).map(({ id }) => id));
  const isOnNothing = (id: string | null) => id !== null && !projects.has(id);
  const dead = new Set(
    grants.flatMap(({ target }) => (target.kind === 'project' && isOnNothing(target.id) ? [target.id] : [])),
  );
  if (dead.size > 0)
    await removeGrants(identity, ({ target }) => target.kind === 'project' && dead.has(target.id));
  // Of other types than EC2's, the project is whatever its maker says.
  for (const { id, type, user_id, project_id } of keys)
    if (!users.has(user_id) || (type === 'ec2' && isOnNothing(project_id)))
      await unlessGone(credentials.remove(id));
  for (const { id, user_id, project_id } of delegations)
    if (!users.has(user_id) || isOnNothing(project_id)) await unlessGone(applicationCredentials.remove(id));
  for (const { id, user_id } of rules) if (!users.has(user_id)) await unlessGone(accessRules.remove(id));
}

/** Another process was faster. */
async function unlessGone(removal: Promise<unknown>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
  }
}
