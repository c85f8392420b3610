/** Who asks for a token, by each of the methods that the request names. */
import type { TokenMethod, TokenStatement } from '../../protocol/token-statement.ts';
import type { VerifyOptions } from '../../protocol/token-verifier.ts';
import { ApiError, badRequest, unauthorized } from '../api-error.ts';
import type { Identity } from '../identity.ts';
import type { ApplicationCredentialRecord, UserRecord } from '../records/records.ts';
import { findReferred } from './references.ts';
import type { AuthRequest } from './requests.ts';

export interface Proof {
  readonly user: UserRecord;
  readonly methods: readonly TokenMethod[];
  /** The token that it was proved with. */
  readonly token: TokenStatement | undefined;
  readonly applicationCredential: ApplicationCredentialRecord | undefined;
}

/** Throws 401, in the same words whatever was wrong, and 400 for a method that there is not. */
export async function proveIdentity(identity: Identity, { identity: request }: AuthRequest): Promise<Proof> {
  const proofs: Proof[] = [];
  for (const method of new Set(request.methods)) proofs.push(await prove(identity, method, request));
  const [first, ...others] = proofs;
  if (first === undefined) throw badRequest('auth.identity.methods names no method.');
  if (others.some(({ user }) => user.id !== first.user.id)) throw unauthorized();
  await checkUser(identity, first.user);
  return {
    user: first.user,
    methods: [...new Set(proofs.flatMap(({ methods }) => methods))],
    token: proofs.find(({ token }) => token !== undefined)?.token,
    applicationCredential: proofs.find((proof) => proof.applicationCredential !== undefined)
      ?.applicationCredential,
  };
}

async function prove(identity: Identity, method: string, request: AuthRequest['identity']): Promise<Proof> {
  if (method === 'password' && request.password !== undefined)
    return await byPassword(identity, request.password.user);
  if (method === 'token' && request.token !== undefined) return await byToken(identity, request.token.id);
  if (method === 'application_credential' && request.application_credential !== undefined)
    return await byApplicationCredential(identity, request.application_credential);
  if (['password', 'token', 'application_credential'].includes(method))
    throw badRequest(`auth.identity.${method} is missing.`);
  throw new ApiError(401, `Attempted to authenticate with an unsupported method: ${method.slice(0, 64)}.`);
}

async function byPassword(
  identity: Identity,
  given: NonNullable<AuthRequest['identity']['password']>['user'],
): Promise<Proof> {
  if (given.id === undefined && given.domain === undefined)
    throw badRequest('auth.identity.password.user needs an id, or a name with a domain.');
  const user = await findReferred(identity, identity.users, given);
  if (!(await identity.passwords.isRight(user, given.password)) || user === undefined) throw unauthorized();
  const record = await identity.passwords.find(user.id);
  if (record === undefined || identity.passwords.isExpired(user, record))
    throw new ApiError(401, 'The password is expired and needs to be changed for user: ' + user.id + '.');
  return { user, methods: ['password'], token: undefined, applicationCredential: undefined };
}

async function byToken(identity: Identity, id: string): Promise<Proof> {
  const token = verifiedToken(identity, id);
  // What an application credential may do is settled by it, and not by whoever holds one of its tokens.
  if (token.applicationCredential !== undefined || token.methods.includes('ec2credential'))
    throw unauthorized();
  const found = await identity.users.find(token.user.id);
  if (found === undefined) throw unauthorized();
  const methods = token.methods.includes('token') ? token.methods : [...token.methods, 'token' as const];
  return { user: found.value, methods, token, applicationCredential: undefined };
}

export function verifiedToken(identity: Identity, id: string, options?: VerifyOptions): TokenStatement {
  try {
    return identity.verifier.verify(id, options);
  } catch (cause) {
    throw unauthorized(cause);
  }
}

async function byApplicationCredential(
  identity: Identity,
  given: NonNullable<AuthRequest['identity']['application_credential']>,
): Promise<Proof> {
  const credential = await findApplicationCredential(identity, given);
  const isRight = await identity.hasher.verify(given.secret, credential?.secret_hash);
  if (!isRight || credential === undefined) throw unauthorized();
  const { expires_at } = credential;
  if (expires_at !== null && Date.parse(expires_at) <= identity.clock.nowMs()) throw unauthorized();
  const user = await identity.users.find(credential.user_id);
  if (user === undefined) throw unauthorized();
  return {
    user: user.value,
    methods: ['application_credential'],
    token: undefined,
    applicationCredential: credential,
  };
}

async function findApplicationCredential(
  identity: Identity,
  { id, name, user: owner }: NonNullable<AuthRequest['identity']['application_credential']>,
): Promise<ApplicationCredentialRecord | undefined> {
  if (id !== undefined) return (await identity.applicationCredentials.find(id))?.value;
  if (name === undefined || owner === undefined)
    throw badRequest('auth.identity.application_credential needs an id, or a name with a user.');
  const user = await findReferred(identity, identity.users, owner);
  return user === undefined ? undefined : await identity.applicationCredentials.findByName(user.id, name);
}

/** Throws 401 for a user who is disabled, or whose domain is. */
export async function checkUser({ domains }: Identity, user: UserRecord): Promise<void> {
  const domain = await domains.find(user.domain_id);
  if (!user.enabled || domain === undefined || !domain.value.enabled) throw unauthorized();
}
