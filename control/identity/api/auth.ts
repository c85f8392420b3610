/** `/v3/auth`: tokens are issued, looked at and taken back. */
import type { FailureLimit } from '../../api/failure-limit.ts';
import { type Answer, bearerOf, type Call, isFlagged, type Route } from '../../api/route.ts';
import { hasSystemRole } from '../access/effective-roles.ts';
import { ApiError, badRequest, notFound } from '../api-error.ts';
import { authenticate } from '../auth/authenticate.ts';
import { type AuthRequest, authRequestSchema } from '../auth/requests.ts';
import { tokenBody } from '../auth/token-body.ts';
import { verifiedToken } from '../auth/proof.ts';
import type { Identity } from '../identity.ts';
import type { TokenStatement } from '../../protocol/token-statement.ts';
import type { VerifyOptions } from '../../protocol/token-verifier.ts';
import { revoke } from '../tokens/revoke.ts';

export function authRoutes(failures: FailureLimit): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/auth/tokens',
      operation: 'public',
      body: authRequestSchema,
      handle: async (identity, call) =>
        await countingFailures(failures, call, async () => {
          const { auth } = call.body as { auth: AuthRequest };
          const { token, statement } = await authenticate(identity, auth);
          const body = await tokenBody(identity, statement, !isFlagged(call, 'nocatalog'));
          return { status: 201, headers: { 'x-subject-token': token }, body };
        }),
    },
    ...subjectRoutes,
    ...ownRoutes,
  ];
}

/** Runs what may answer 401; too many of those, and the address waits. */
export async function countingFailures(
  failures: FailureLimit,
  { remote }: Call,
  run: () => Promise<Answer>,
): Promise<Answer> {
  failures.check(remote);
  try {
    return await run();
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) failures.failed(remote);
    throw error;
  }
}

/** The token in X-Subject-Token. Throws 404 for one that is not good. */
function subjectOf(
  identity: Identity,
  call: Call,
  options?: VerifyOptions,
): { token: string; statement: TokenStatement } {
  const token = call.headers['x-subject-token'];
  if (token === undefined || token === '') throw badRequest('X-Subject-Token is missing.');
  try {
    return { token, statement: verifiedToken(identity, token, options) };
  } catch {
    throw notFound('token', 'the one in X-Subject-Token');
  }
}

function subjectTarget(identity: Identity, call: Call) {
  return { userId: subjectOf(identity, call).statement.user.id };
}

/** `?allow_expired=1`: what a service asks that does something for a user which takes longer than the user's token lasts. */
function lookedAt(identity: Identity, call: Call) {
  return subjectOf(identity, call, { allowsLate: isFlagged(call, 'allow_expired') });
}

const subjectRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/auth/tokens',
    operation: 'identity:validate_token',
    target: (identity, call) => ({ userId: lookedAt(identity, call).statement.user.id }),
    async handle(identity, call) {
      const { token, statement } = lookedAt(identity, call);
      const body = await tokenBody(identity, statement, !isFlagged(call, 'nocatalog'));
      return { headers: { 'x-subject-token': token }, body };
    },
  },
  {
    method: 'DELETE',
    path: '/auth/tokens',
    operation: 'identity:revoke_token',
    target: subjectTarget,
    async handle(identity, call) {
      const { auditId } = subjectOf(identity, call).statement;
      await identity.store.transact({ then: [revoke(identity, { auditId })] });
      return { status: 204 };
    },
  },
];

const ownRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/auth/catalog',
    operation: 'identity:get_auth_catalog',
    handle({ catalogue }, call) {
      const { user, scope } = bearerOf(call);
      const projectId = scope.kind === 'project' ? scope.project.id : undefined;
      return {
        body: { catalog: catalogue.for(user.id, projectId), links: { self: `${call.base}/auth/catalog` } },
      };
    },
  },
  {
    method: 'GET',
    path: '/auth/system',
    operation: 'identity:get_auth_system',
    async handle(identity, call) {
      const has = await hasSystemRole(identity, bearerOf(call).user.id);
      return { body: { system: has ? [{ all: true }] : [], links: { self: `${call.base}/auth/system` } } };
    },
  },
];
