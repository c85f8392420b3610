/** EC2 credentials: an access key that finds itself, and a secret that is kept sealed. */
import { createHash } from 'node:crypto';
import { errorText } from '#common/errors.ts';
import { badRequest, conflict } from './api-error.ts';
import type { Identity } from './identity.ts';
import type { CredentialRecord } from './records/records.ts';
import { limits } from './settings.ts';

export interface Ec2Keys {
  readonly access: string;
  readonly secret: string;
}

/** Keystone's own: with it, `/v3/credentials/{id}` of an access key is known to who knows the key. */
export function credentialIdOf(access: string): string {
  return createHash('sha256').update(access).digest('hex');
}

export interface WantedEc2 {
  readonly userId: string;
  readonly projectId: string;
  /** Generated when left out. */
  readonly keys?: Ec2Keys | undefined;
  readonly applicationCredentialId?: string | undefined;
}

/** Throws 404 for a user or project that is not there, 409 when the key is taken. */
export async function createEc2(identity: Identity, wanted: WantedEc2): Promise<CredentialRecord> {
  const { seal, randomness, credentials, users, projects } = identity;
  const { userId, projectId, applicationCredentialId } = wanted;
  const keys = wanted.keys ?? {
    access: randomness.bytes(16).toString('hex'),
    secret: randomness.bytes(24).toString('base64url'),
  };
  if (!/^[!-~]{3,128}$/.test(keys.access) || !/^[!-~]{6,128}$/.test(keys.secret))
    throw badRequest('An access key has 3 to 128 printable characters, a secret 6 to 128.');
  await users.get(userId);
  await projects.get(projectId);
  await assertRoom(identity, userId);
  const id = credentialIdOf(keys.access);
  const record: CredentialRecord = {
    id,
    type: 'ec2',
    user_id: userId,
    project_id: projectId,
    access: keys.access,
    sealed: seal.seal(Buffer.from(keys.secret), `credential ${id}`, randomness),
    ...(applicationCredentialId === undefined ? {} : { app_cred_id: applicationCredentialId }),
  };
  await credentials.insert(record, { compare: [users.exists(userId), projects.exists(projectId)] });
  return record;
}

/** Throws 409 when the user has as many credentials, of whatever type, as one may have. */
export async function assertRoom({ credentials }: Identity, userId: string): Promise<void> {
  if ((await credentials.listOf(userId)).length >= limits.credentialsOfUserMax)
    throw conflict(`A user has at most ${limits.credentialsOfUserMax} credentials.`);
}

/** The secret of type `ec2`, or the blob of any other. */
export function secretOf({ seal }: Identity, { id, sealed }: CredentialRecord): string {
  return seal.open(sealed, `credential ${id}`).toString();
}

/** What a blob of type `ec2` holds. Throws 400. */
export function readEc2Blob(blob: string): Ec2Keys {
  let parsed: { access?: unknown; secret?: unknown };
  try {
    parsed = Object(JSON.parse(blob)) as typeof parsed;
  } catch (cause) {
    throw Object.assign(badRequest(`The blob is not JSON: ${errorText(cause)}.`), { cause });
  }
  if (typeof parsed.access !== 'string' || typeof parsed.secret !== 'string')
    throw badRequest('The blob of an EC2 credential holds access and secret.');
  return { access: parsed.access, secret: parsed.secret };
}
