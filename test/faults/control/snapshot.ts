/** Everything that the Identity API lists, with what belongs to the users of one client. */
import type { IdentityClient } from './identity-client.ts';
import type { Intent } from './intent.ts';

interface Named {
  readonly id: string;
  readonly name: string;
}

interface ListedKey {
  readonly access: string;
  readonly secret: string;
  readonly user_id: string;
  readonly tenant_id: string;
}

interface ListedCredential extends Named {
  readonly project_id: string;
}

export interface Assignment {
  readonly user?: { readonly id: string };
  readonly role: { readonly id: string };
  readonly scope: { readonly project?: { readonly id: string } };
}

export interface Cloud {
  readonly projects: readonly Named[];
  readonly users: readonly Named[];
  readonly assignments: readonly Assignment[];
}

export interface Snapshot {
  readonly cloud: Cloud;
  /** Of the client's own users, also of one whose making was not answered. */
  readonly keys: readonly ListedKey[];
  readonly applicationCredentials: readonly ListedCredential[];
}

export async function cloudOf(client: IdentityClient, admin: string): Promise<Cloud> {
  const list = async (path: string) => (await client.expect(200, 'GET', `/${path}`, admin)).body;
  const [projects, users, grants] = await Promise.all(['projects', 'users', 'role_assignments'].map(list));
  return {
    projects: (projects as { projects: Named[] }).projects,
    users: (users as { users: Named[] }).users,
    assignments: (grants as { role_assignments: Assignment[] }).role_assignments,
  };
}

export async function snapshotOf(
  client: IdentityClient,
  admin: string,
  cloud: Cloud,
  { prefix }: Intent,
): Promise<Snapshot> {
  const keys: ListedKey[] = [];
  const applicationCredentials: ListedCredential[] = [];
  for (const { id } of cloud.users.filter(({ name }) => name.startsWith(prefix))) {
    const path = `/users/${id}`;
    const ec2 = await client.expect(200, 'GET', `${path}/credentials/OS-EC2`, admin);
    keys.push(...(ec2.body as { credentials: ListedKey[] }).credentials);
    const others = await client.expect(200, 'GET', `${path}/application_credentials`, admin);
    applicationCredentials.push(
      ...(others.body as { application_credentials: ListedCredential[] }).application_credentials,
    );
  }
  return { cloud, keys, applicationCredentials };
}
