/**
 * Compares a request's signature with the one that its secret gives
 * (AWS General Reference, "Create a signed AWS API request", steps 2 to 4).
 */
import { timingSafeEqual } from 'node:crypto';
import { AuthenticationError, type SignedRequest } from './authentication.ts';
import { ALGORITHM, type Claims } from './authorization.ts';
import { canonicalQuery, canonicalRequest, hashLatin1, uniformlyEncoded } from './canonical-request.ts';
import { SIGNATURE_PARAMETER } from './presigned-query.ts';
import type { HeaderMap } from './request-headers.ts';
import type { SigningKey } from './signing-key.ts';

export interface SignatureInput {
  readonly request: SignedRequest;
  readonly headers: HeaderMap;
  readonly claims: Claims;
  readonly dateTime: string;
  readonly payloadHash: string;
  readonly signingKey: SigningKey;
}

/** Throws `SignatureDoesNotMatch`. */
export function verifySignature(input: SignatureInput): void {
  const { rawUrl } = input.request;
  if (!rawUrl.startsWith('/')) {
    throw new AuthenticationError('InvalidURI', "Couldn't parse the specified URI.");
  }
  const question = rawUrl.indexOf('?');
  const path = question < 0 ? rawUrl : rawUrl.slice(0, question);
  const query = question < 0 ? '' : rawUrl.slice(question + 1);
  const asReceived = signed(input, path, query);
  if (sameSignature(asReceived.signature, input.claims.signature)) return;
  // Clients sign what SigV4 calls encoded, and some send the same bytes encoded more sparingly: a bare "(" or "+".
  const uniformPath = uniformlyEncoded(path, 'path');
  const uniformQuery = uniformlyEncoded(query, 'query');
  if (uniformPath === path && uniformQuery === query) throw doesNotMatch(input, asReceived);
  const uniform = signed(input, uniformPath, uniformQuery);
  if (!sameSignature(uniform.signature, input.claims.signature)) throw doesNotMatch(input, uniform);
}

interface Signed {
  readonly canonical: string;
  readonly stringToSign: string;
  readonly signature: string;
}

function signed(input: SignatureInput, path: string, rawQuery: string): Signed {
  const { claims } = input;
  const canonical = canonicalRequest({
    method: input.request.method,
    path,
    query: canonicalQuery(rawQuery, claims.form === 'query' ? SIGNATURE_PARAMETER : undefined),
    headers: input.headers,
    signedHeaders: claims.signedHeaders,
    signedHeadersText: claims.signedHeadersText,
    payloadHash: input.payloadHash,
  });
  const stringToSign = `${ALGORITHM}\n${input.dateTime}\n${claims.scope.text}\n${hashLatin1(canonical)}`;
  return { canonical, stringToSign, signature: input.signingKey.sign(stringToSign) };
}

/** Takes as long wherever the two differ. */
export function sameSignature(expected: string, given: string): boolean {
  if (given.length !== expected.length) return false;
  return timingSafeEqual(Buffer.from(expected, 'latin1'), Buffer.from(given, 'latin1'));
}

function doesNotMatch(input: SignatureInput, expected: Signed): AuthenticationError {
  return new AuthenticationError(
    'SignatureDoesNotMatch',
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    {
      AWSAccessKeyId: input.claims.scope.accessKey,
      StringToSign: expected.stringToSign,
      SignatureProvided: input.claims.signature,
      StringToSignBytes: hexBytes(expected.stringToSign),
      CanonicalRequest: expected.canonical,
      CanonicalRequestBytes: hexBytes(expected.canonical),
    },
  );
}

function hexBytes(text: string): string {
  return Buffer.from(text, 'latin1')
    .toString('hex')
    .replaceAll(/(..)(?=.)/g, '$1 ');
}
