/** `POST /v3/ec2tokens` and `/v3/s3tokens`: a service hands over a signature, and gets a token of whoever made it. */
import type { FailureLimit } from '../../api/failure-limit.ts';
import type { Call, Route } from '../../api/route.ts';
import { ApiError, badRequest, unauthorized } from '../api-error.ts';
import { issue, type IssuedToken } from '../auth/authenticate.ts';
import { type Ec2Request, isEc2Signature, isS3Signature, type S3Request } from '../auth/ec2-signature.ts';
import { checkUser } from '../auth/proof.ts';
import { grantOf } from '../auth/scope.ts';
import { tokenBody } from '../auth/token-body.ts';
import { credentialIdOf, secretOf } from '../ec2-credentials.ts';
import type { Identity } from '../identity.ts';
import { countingFailures } from './auth.ts';

const text = { type: 'string', maxLength: 4096 };
const texts = { type: 'object', maxProperties: 256, additionalProperties: text };
const signed = (more: object, required: readonly string[]) => ({
  type: 'object',
  required: ['access', 'signature', ...required],
  properties: { access: text, signature: text, ...more },
});
const ec2 = signed(
  { host: text, verb: text, path: text, params: texts, headers: texts, body_hash: text },
  [],
);
const s3 = signed({ token: text }, ['token']);
/** Older clients of either call it otherwise. */
const named = (credentials: object) => ({
  type: 'object',
  properties: { credentials, credential: credentials, ec2Credentials: credentials },
});

type Named<Request> = Readonly<Record<'credentials' | 'credential' | 'ec2Credentials', Request | undefined>>;

export function keyTokenRoutes(failures: FailureLimit): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/ec2tokens',
      operation: 'identity:ec2tokens_validate',
      body: named(ec2),
      handle: async (identity, call) =>
        await countingFailures(failures, call, async () => {
          const request = requestIn<Ec2Request>(call);
          const nowMs = identity.clock.nowMs();
          const { token, statement } = await tokenFor(identity, request.access, (secret) =>
            isEc2Signature(request, secret, nowMs),
          );
          return { headers: { 'x-subject-token': token }, body: await tokenBody(identity, statement, true) };
        }),
    },
    {
      method: 'POST',
      path: '/s3tokens',
      operation: 'identity:s3tokens_validate',
      body: named(s3),
      handle: async (identity, call) =>
        await countingFailures(failures, call, async () => {
          const request = requestIn<S3Request>(call);
          const { statement } = await tokenFor(identity, request.access, (secret) =>
            isS3Signature(request, secret),
          );
          return { body: await tokenBody(identity, statement, true) };
        }),
    },
  ];
}

function requestIn<Request>(call: Call): Request {
  const { credentials, credential, ec2Credentials } = Object(call.body) as Named<Request>;
  const found = credentials ?? credential ?? ec2Credentials;
  if (found === undefined) throw badRequest('The body holds no credentials.');
  return found;
}

async function tokenFor(
  identity: Identity,
  access: string,
  isSigned: (secret: string) => boolean,
): Promise<IssuedToken> {
  const issuedMs = identity.clock.nowMs();
  const credential = (await identity.credentials.find(credentialIdOf(access)))?.value;
  if (credential === undefined || credential.type !== 'ec2' || !isSigned(secretOf(identity, credential)))
    throw new ApiError(401, 'The access key or the signature is not right.');
  const user = (await identity.users.find(credential.user_id))?.value;
  if (user === undefined) throw unauthorized();
  await checkUser(identity, user);
  const granted = await grantOf(identity, credential);
  const { app_cred_id } = credential;
  const origin =
    app_cred_id === undefined ? undefined : (await identity.applicationCredentials.find(app_cred_id))?.value;
  const methods = ['ec2credential'] as const;
  return await issue(identity, { issuedMs, user, methods, granted, applicationCredential: origin });
}
