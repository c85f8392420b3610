/** The claims of a presigned URL (Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters"). */
import { ALGORITHM, type Claims, claims, malformed, unsupportedMechanism } from './authorization.ts';
import { type RequestTime, parseBasicTime } from './request-time.ts';

export const SIGNATURE_PARAMETER = 'X-Amz-Signature';
export const EXPIRES_SECONDS_MAX = 604_800;

export interface PresignedClaims extends Claims {
  readonly form: 'query';
  readonly time: RequestTime;
  readonly expiresSeconds: number;
  /** `X-Amz-Content-Sha256`, where the URL has one. */
  readonly payloadHash: string | undefined;
  readonly hasSecurityToken: boolean;
}

/** What the query claims: a presigned URL, one of Signature Version 2, or nothing. */
export function queryMechanism(rawQuery: string): 'presigned' | 'version-2' | 'none' {
  if (rawQuery === '') return 'none';
  // The delimiters make sure that a whole name is found, not the end of another one.
  const bounded = `&${rawQuery}`;
  if (bounded.includes('&X-Amz-Algorithm=') || bounded.includes('&X-Amz-Signature=')) return 'presigned';
  if (bounded.includes('&AWSAccessKeyId=') && bounded.includes('&Signature=')) return 'version-2';
  return 'none';
}

/** @param rawQuery one for which `queryMechanism` said `presigned`. */
export function parsePresignedQuery(rawQuery: string): PresignedClaims {
  const parameters = signatureParameters(rawQuery);
  const algorithm = required(parameters, 'X-Amz-Algorithm');
  if (algorithm !== ALGORITHM) {
    if (algorithm.startsWith('AWS4-')) throw unsupportedMechanism();
    throw malformed('query', `X-Amz-Algorithm only supports "${ALGORITHM}"`);
  }
  const time = parseBasicTime(required(parameters, 'X-Amz-Date'));
  if (time === undefined) {
    throw malformed('query', "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  }
  return {
    ...claims(
      'query',
      required(parameters, 'X-Amz-Credential'),
      required(parameters, 'X-Amz-SignedHeaders'),
      required(parameters, SIGNATURE_PARAMETER),
    ),
    form: 'query',
    time,
    expiresSeconds: parseExpires(required(parameters, 'X-Amz-Expires')),
    payloadHash: parameters.get('X-Amz-Content-Sha256'),
    hasSecurityToken: parameters.has('X-Amz-Security-Token'),
  };
}

function parseExpires(text: string): number {
  if (!/^-?\d{1,20}$/.test(text)) throw malformed('query', 'X-Amz-Expires should be a number');
  const seconds = Number(text);
  if (seconds < 0) throw malformed('query', 'X-Amz-Expires must be non-negative');
  if (seconds > EXPIRES_SECONDS_MAX) {
    throw malformed(
      'query',
      `X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than ${EXPIRES_SECONDS_MAX} seconds`,
    );
  }
  return seconds;
}

function signatureParameters(rawQuery: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const parameter of rawQuery.split('&')) {
    if (!parameter.startsWith('X-Amz-')) continue;
    const equals = parameter.indexOf('=');
    const name = equals < 0 ? parameter : parameter.slice(0, equals);
    if (parameters.has(name)) throw malformed('query', `${name} is given more than once`);
    const value = equals < 0 ? '' : parameter.slice(equals + 1);
    try {
      parameters.set(name, value.includes('%') ? decodeURIComponent(value) : value);
    } catch (cause) {
      if (cause instanceof URIError) throw malformed('query', `${name} is not properly encoded`);
      throw cause;
    }
  }
  return parameters;
}

function required(parameters: ReadonlyMap<string, string>, name: string): string {
  const value = parameters.get(name);
  if (value !== undefined && value !== '') return value;
  throw malformed(
    'query',
    'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
  );
}
