/** `/v3/users/{id}/credentials/OS-EC2`: keys for S3 and EC2 clients, several a user. */
import { bearerOf, type Call, param, type Route } from '../../api/route.ts';
import { badRequest, forbidden, notFound } from '../api-error.ts';
import { rolesOfUserOn } from '../access/effective-roles.ts';
import { createEc2, credentialIdOf, secretOf } from '../ec2-credentials.ts';
import type { Identity } from '../identity.ts';
import type { CredentialRecord } from '../records/records.ts';
import { assertWithin, isWithin, originOf, seesSecret } from './credential-access.ts';
import { many } from './resource.ts';
import { userTarget } from './users.ts';

const path = '/users/:user_id/credentials/OS-EC2';

export const ec2CredentialRoutes: readonly Route[] = [
  {
    method: 'GET',
    path,
    operation: 'identity:ec2_list_credentials',
    isDelegable: false,
    target: userTarget,
    async handle(identity, call) {
      const { id } = await identity.users.get(param(call, 'user_id'));
      const bearer = bearerOf(call);
      const all = await identity.credentials.listOf(id);
      const found = all.filter((each) => each.type === 'ec2' && isWithin(bearer, each));
      return many(
        call,
        `users/${id}/credentials`,
        found.map((each) => ({ id: each.access ?? '', ...presented(identity, call, each) })),
      );
    },
  },
  {
    method: 'POST',
    path,
    operation: 'identity:ec2_create_credential',
    isDelegable: false,
    body: {
      type: 'object',
      required: ['tenant_id'],
      properties: { tenant_id: { type: 'string', minLength: 1, maxLength: 255 } },
    },
    target: userTarget,
    async handle(identity, call) {
      const userId = param(call, 'user_id');
      const projectId = (call.body as { tenant_id: string }).tenant_id;
      if (projectId === '') throw badRequest('tenant_id is missing.');
      await identity.users.get(userId);
      const project = await identity.projects.get(projectId);
      const roles = await rolesOfUserOn(identity, userId, { kind: 'project', project });
      if (roles.length === 0) throw forbidden('The user has no role on the project.');
      const applicationCredentialId = originOf(bearerOf(call), { userId, projectId });
      const record = await createEc2(identity, { userId, projectId, applicationCredentialId });
      return { status: 201, body: { credential: withLink(call, presented(identity, call, record)) } };
    },
  },
  {
    method: 'GET',
    path: `${path}/:access`,
    operation: 'identity:ec2_get_credential',
    isDelegable: false,
    target: userTarget,
    async handle(identity, call) {
      return { body: { credential: withLink(call, presented(identity, call, await owned(identity, call))) } };
    },
  },
  {
    method: 'DELETE',
    path: `${path}/:access`,
    operation: 'identity:ec2_delete_credential',
    isDelegable: false,
    target: userTarget,
    async handle(identity, call) {
      await identity.credentials.remove((await owned(identity, call)).id);
      return { status: 204 };
    },
  },
];

/** Another user's key is none of this one's: 404. */
async function owned({ credentials }: Identity, call: Call): Promise<CredentialRecord> {
  const access = param(call, 'access');
  const found = (await credentials.find(credentialIdOf(access)))?.value;
  if (found === undefined || found.type !== 'ec2' || found.user_id !== param(call, 'user_id'))
    throw notFound('credential', access);
  assertWithin(bearerOf(call), found);
  return found;
}

function presented(identity: Identity, call: Call, record: CredentialRecord) {
  const { access = '', user_id, project_id } = record;
  const secret = seesSecret(bearerOf(call), record) ? secretOf(identity, record) : '';
  return { access, secret, user_id, tenant_id: project_id, trust_id: null };
}

function withLink(call: Call, credential: ReturnType<typeof presented>): object {
  const { access, user_id } = credential;
  return { ...credential, links: { self: `${call.base}/users/${user_id}/credentials/OS-EC2/${access}` } };
}
