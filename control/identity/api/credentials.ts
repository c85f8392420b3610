/** `/v3/credentials`: secrets that identity keeps for users, of any type. */
import { bearerOf, type Call, param, type Route } from '../../api/route.ts';
import { mayDo } from '../../policy/policy.ts';
import { badRequest } from '../api-error.ts';
import { assertRoom, createEc2, readEc2Blob, secretOf } from '../ec2-credentials.ts';
import type { Identity } from '../identity.ts';
import { newId } from '../new-id.ts';
import type { CredentialRecord } from '../records/records.ts';
import { assertWithin, isWithin, originOf, seesSecret } from './credential-access.ts';
import { attribute, attributesOf, bodyOf, checkFixed, many, one } from './resource.ts';

const blob = { type: 'string', maxLength: 16_384 };
const attributes = { type: attribute.name, blob, user_id: attribute.id, project_id: attribute.idOrNull };

async function target({ credentials }: Identity, call: Call) {
  return { userId: (await credentials.find(param(call, 'credential_id')))?.value.user_id };
}

export const credentialRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/credentials',
    operation: 'identity:list_credentials',
    isDelegable: false,
    target: (_, call) => ({ userId: call.query['user_id'] ?? bearerOf(call).user.id }),
    async handle(identity, call) {
      const bearer = bearerOf(call);
      const userId = call.query['user_id'];
      // Who may read those of all sees all; anybody else sees their own.
      const readsAll = mayDo('identity:list_credentials', bearer);
      const found =
        userId === undefined && readsAll
          ? await identity.credentials.list()
          : await identity.credentials.listOf(userId ?? bearer.user.id);
      const shown = found
        .filter((record) => isWithin(bearer, record))
        .map((record) => presented(identity, call, record));
      return many(call, 'credentials', shown, ['type', 'user_id']);
    },
  },
  {
    method: 'POST',
    path: '/credentials',
    operation: 'identity:create_credential',
    isDelegable: false,
    body: bodyOf('credential', attributes, ['type', 'blob']),
    target: (_, call) => ({ userId: ownerIn(call) }),
    async handle(identity, call) {
      const given = attributesOf(call, 'credential');
      const userId = ownerIn(call);
      const projectId = typeof given['project_id'] === 'string' ? given['project_id'] : undefined;
      const text = String(given['blob']);
      if (given['type'] === 'ec2') {
        if (projectId === undefined) throw badRequest('An EC2 credential needs a project_id.');
        const applicationCredentialId = originOf(bearerOf(call), { userId, projectId });
        const keys = readEc2Blob(text);
        const record = await createEc2(identity, { userId, projectId, keys, applicationCredentialId });
        return one(call, 'credentials', 'credential', presented(identity, call, record), 201);
      }
      const { users, credentials, seal, randomness } = identity;
      await users.get(userId);
      await assertRoom(identity, userId);
      const origin = originOf(bearerOf(call), { userId, projectId });
      const id = newId(randomness);
      const record: CredentialRecord = {
        id,
        type: String(given['type']),
        user_id: userId,
        project_id: projectId ?? null,
        sealed: seal.seal(Buffer.from(text), `credential ${id}`, randomness),
        ...(origin === undefined ? {} : { app_cred_id: origin }),
      };
      await credentials.insert(record, { compare: [users.exists(userId)] });
      return one(call, 'credentials', 'credential', presented(identity, call, record), 201);
    },
  },
  {
    method: 'GET',
    path: '/credentials/:credential_id',
    operation: 'identity:get_credential',
    isDelegable: false,
    target,
    async handle(identity, call) {
      const record = await identity.credentials.get(param(call, 'credential_id'));
      assertWithin(bearerOf(call), record);
      return one(call, 'credentials', 'credential', presented(identity, call, record));
    },
  },
  {
    method: 'PATCH',
    path: '/credentials/:credential_id',
    operation: 'identity:update_credential',
    isDelegable: false,
    body: bodyOf('credential', attributes),
    target,
    async handle(identity, call) {
      const given = attributesOf(call, 'credential');
      const after = await identity.credentials.update(param(call, 'credential_id'), (before) => {
        assertWithin(bearerOf(call), before);
        checkFixed(before, given, ['type', 'user_id', 'project_id']);
        if (typeof given['blob'] !== 'string') return before;
        return { ...before, sealed: sealedAgain(identity, before, given['blob']) };
      });
      return one(call, 'credentials', 'credential', presented(identity, call, after));
    },
  },
  {
    method: 'DELETE',
    path: '/credentials/:credential_id',
    operation: 'identity:delete_credential',
    isDelegable: false,
    target,
    async handle({ credentials }, call) {
      const id = param(call, 'credential_id');
      assertWithin(bearerOf(call), await credentials.get(id));
      await credentials.remove(id);
      return { status: 204 };
    },
  },
];

function ownerIn(call: Call): string {
  const { user_id } = attributesOf(call, 'credential');
  return typeof user_id === 'string' ? user_id : bearerOf(call).user.id;
}

function sealedAgain(
  { seal, randomness }: Identity,
  { id, type, access }: CredentialRecord,
  text: string,
): string {
  const keys = type === 'ec2' ? readEc2Blob(text) : undefined;
  if (keys !== undefined && keys.access !== access) throw badRequest('The access key cannot be changed.');
  return seal.seal(Buffer.from(keys?.secret ?? text), `credential ${id}`, randomness);
}

function presented(identity: Identity, call: Call, record: CredentialRecord) {
  const { id, type, user_id, project_id, access } = record;
  const secret = seesSecret(bearerOf(call), record) ? secretOf(identity, record) : '';
  return {
    id,
    type,
    user_id,
    project_id,
    blob: type === 'ec2' ? JSON.stringify({ access, secret }) : secret,
  };
}
