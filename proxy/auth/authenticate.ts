/**
 * Signature Version 4 as S3 checks it (Amazon S3 API Reference, "Authenticating Requests (AWS Signature Version 4)"),
 * in the Authorization header or in a presigned URL.
 */
import {
  type Authentication,
  AuthenticationError,
  type AuthenticationOptions,
  type SignedRequest,
} from './authentication.ts';
import { type Claims, malformed, parseAuthorizationHeader, unsupportedMechanism } from './authorization.ts';
import type { Credential, CredentialStore } from './credential-store.ts';
import { UNSIGNED_PAYLOAD, checkPayloadHash, payloadMode } from './payload-mode.ts';
import { type PresignedClaims, parsePresignedQuery, queryMechanism } from './presigned-query.ts';
import { type HeaderMap, collectHeaders } from './request-headers.ts';
import { type RequestTime, extendedTime, parseRequestTime } from './request-time.ts';
import { verifySignature } from './verify-signature.ts';

const SKEW_MS_MAX = 15 * 60 * 1000;
const FALLBACK_REGION = 'us-east-1';

/** Throws AuthenticationError, and what the store throws. */
export function authenticateRequest(
  request: SignedRequest,
  store: CredentialStore,
  options: AuthenticationOptions,
): Authentication {
  const headers = collectHeaders(request.rawHeaders);
  const question = request.rawUrl.indexOf('?');
  const rawQuery = question < 0 ? '' : request.rawUrl.slice(question + 1);
  const mechanism = queryMechanism(rawQuery);
  const authorization = headers.get('authorization');
  if (authorization !== undefined) {
    if (mechanism !== 'none') throw severalMechanisms();
    return byHeader(request, headers, authorization, store, options);
  }
  if (mechanism === 'version-2') throw unsupportedMechanism();
  if (mechanism === 'presigned') return byQuery(request, headers, rawQuery, store, options);
  return {
    kind: 'anonymous',
    payload: payloadMode(headers.get('x-amz-content-sha256') ?? UNSIGNED_PAYLOAD, undefined),
  };
}

function byHeader(
  request: SignedRequest,
  headers: HeaderMap,
  authorization: string,
  store: CredentialStore,
  options: AuthenticationOptions,
): Authentication {
  const claims = parseAuthorizationHeader(authorization);
  const time = headerTime(headers);
  const payloadHash = headers.get('x-amz-content-sha256');
  if (payloadHash === undefined) {
    throw new AuthenticationError(
      'InvalidRequest',
      'Missing required header for this request: x-amz-content-sha256',
    );
  }
  checkScope(claims, time, options.region);
  const credential = knownCredential(claims, headers.has('x-amz-security-token'), store);
  if (Math.abs(request.nowMs - time.ms) > SKEW_MS_MAX) throw tooSkewed(time, request.nowMs);
  return verified({ request, headers, claims, time, payloadHash, credential, options });
}

function byQuery(
  request: SignedRequest,
  headers: HeaderMap,
  rawQuery: string,
  store: CredentialStore,
  options: AuthenticationOptions,
): Authentication {
  const claims = parsePresignedQuery(rawQuery);
  const { time } = claims;
  checkScope(claims, time, options.region);
  const hasToken = claims.hasSecurityToken || headers.has('x-amz-security-token');
  const credential = knownCredential(claims, hasToken, store);
  checkExpiry(claims, request.nowMs);
  const payloadHash = claims.payloadHash ?? headers.get('x-amz-content-sha256') ?? UNSIGNED_PAYLOAD;
  return verified({ request, headers, claims, time, payloadHash, credential, options });
}

interface Verification {
  readonly request: SignedRequest;
  readonly headers: HeaderMap;
  readonly claims: Claims;
  readonly time: RequestTime;
  readonly payloadHash: string;
  readonly credential: Credential;
  readonly options: AuthenticationOptions;
}

function verified(verification: Verification): Authentication {
  const { request, headers, claims, time, payloadHash, credential, options } = verification;
  checkPayloadHash(payloadHash);
  checkSignedHeaders(claims, headers);
  const { scope } = claims;
  const signingKey = options.signingKeys.find(credential, scope.text, scope.date, scope.region);
  verifySignature({ request, headers, claims, dateTime: time.dateTime, payloadHash, signingKey });
  const payload = payloadMode(payloadHash, () => ({
    signingKey,
    dateTime: time.dateTime,
    scope: scope.text,
    seedSignature: claims.signature,
  }));
  return { kind: 'authenticated', principal: credential.principal, payload };
}

function headerTime(headers: HeaderMap): RequestTime {
  const time = parseRequestTime(headers.get('x-amz-date') ?? headers.get('date') ?? '');
  if (time !== undefined) return time;
  throw new AuthenticationError(
    'AccessDenied',
    'AWS authentication requires a valid Date or x-amz-date header',
  );
}

function checkScope(claims: Claims, time: RequestTime, region: string): void {
  const { form, scope } = claims;
  if (scope.region !== region && scope.region !== FALLBACK_REGION) {
    const what = `the region '${scope.region}' is wrong; expecting '${region}'`;
    throw malformed(
      form,
      form === 'header' ? what : `Error parsing the X-Amz-Credential parameter; ${what}`,
      {
        Region: region,
      },
    );
  }
  if (!time.dateTime.startsWith(scope.date)) {
    throw malformed(
      form,
      `Invalid credential date "${scope.date}". This date is not the same as X-Amz-Date: "${time.dateTime.slice(0, 8)}".`,
    );
  }
}

function knownCredential(claims: Claims, hasSecurityToken: boolean, store: CredentialStore): Credential {
  if (hasSecurityToken) {
    // Temporary credentials are not given out here, so a token can only be another service's.
    throw new AuthenticationError('InvalidToken', 'The provided token is malformed or otherwise invalid.');
  }
  const credential = store.find(claims.scope.accessKey);
  if (credential !== undefined) return credential;
  throw new AuthenticationError(
    'InvalidAccessKeyId',
    'The AWS Access Key Id you provided does not exist in our records.',
    { AWSAccessKeyId: claims.scope.accessKey },
  );
}

/** `host` and every `x-amz-*` header must be signed, or a middleman could add one. */
function checkSignedHeaders(claims: Claims, headers: HeaderMap): void {
  const missing = claims.signedHeaders.includes('host') ? [] : ['host'];
  for (const name of headers.keys()) {
    if (name.startsWith('x-amz-') && !claims.signedHeaders.includes(name)) missing.push(name);
  }
  if (missing.length === 0) return;
  throw new AuthenticationError(
    'AccessDenied',
    'There were headers present in the request which were not signed',
    { HeadersNotSigned: missing.join(', ') },
  );
}

function checkExpiry(claims: PresignedClaims, nowMs: number): void {
  const { time, expiresSeconds } = claims;
  if (time.ms > nowMs + SKEW_MS_MAX) {
    throw new AuthenticationError('AccessDenied', 'Request is not yet valid', {
      'X-Amz-Date': time.dateTime,
      ServerTime: extendedTime(nowMs),
    });
  }
  const expiresMs = time.ms + expiresSeconds * 1000;
  if (nowMs <= expiresMs) return;
  throw new AuthenticationError('AccessDenied', 'Request has expired', {
    'X-Amz-Expires': String(expiresSeconds),
    Expires: extendedTime(expiresMs),
    ServerTime: extendedTime(nowMs),
  });
}

function tooSkewed(time: RequestTime, nowMs: number): AuthenticationError {
  return new AuthenticationError(
    'RequestTimeTooSkewed',
    'The difference between the request time and the current time is too large.',
    {
      RequestTime: time.dateTime,
      ServerTime: extendedTime(nowMs),
      MaxAllowedSkewMilliseconds: String(SKEW_MS_MAX),
    },
  );
}

function severalMechanisms(): AuthenticationError {
  return new AuthenticationError(
    'InvalidArgument',
    'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified',
    // What it holds may be a secret that was put into the wrong place: it is not repeated.
    { ArgumentName: 'Authorization' },
  );
}
