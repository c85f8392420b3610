/** What control's API says of a cluster's processes: cheaper than a command, so it can be asked all the time. */
import type { ClusterStatus } from '#console/supervisor/cluster-status.ts';

export type Service = NonNullable<ClusterStatus['services']>[number];

/** The variables of admin.env. */
type Variables = Readonly<Record<string, string | undefined>>;

export async function adminToken({ OS_AUTH_URL, OS_PASSWORD }: Variables): Promise<string> {
  const user = { name: 'admin', domain: { id: 'default' }, password: OS_PASSWORD };
  const scope = { project: { name: 'admin', domain: { id: 'default' } } };
  const answer = await fetch(`${OS_AUTH_URL}/auth/tokens`, {
    method: 'POST',
    body: JSON.stringify({ auth: { identity: { methods: ['password'], password: { user } }, scope } }),
  });
  return answer.headers.get('x-subject-token') ?? '';
}

/** What `GET /v1/services` says of a process; undefined while control does not answer. */
export async function serviceNamed(
  { OS_AUTH_URL }: Variables,
  token: string,
  name: string,
): Promise<Service | undefined> {
  try {
    const answer = await fetch(new URL('/v1/services', OS_AUTH_URL), { headers: { 'x-auth-token': token } });
    const { services } = (await answer.json()) as { services: readonly Service[] };
    return services.find(({ id }) => id === name);
  } catch {
    return undefined;
  }
}
