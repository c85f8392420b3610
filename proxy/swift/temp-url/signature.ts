/**
 * The signature of a temporary URL: an HMAC of the method, the time and the path under a key of the account or the container
 * (Object Storage API guide, "Temporary URL middleware").
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

export const temporaryDigests = ['sha1', 'sha256', 'sha512'] as const;
export type TemporaryDigest = (typeof temporaryDigests)[number];

export interface TemporarySignature {
  readonly digest: TemporaryDigest;
  readonly bytes: Buffer;
}

const HEX_LENGTHS: Readonly<Record<number, TemporaryDigest>> = { 40: 'sha1', 64: 'sha256', 128: 'sha512' };
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

/** Hexadecimal digits, whose number tells the digest, or `sha256:` and base64. Undefined for anything else. */
export function parseSignature(text: string): TemporarySignature | undefined {
  const colon = text.indexOf(':');
  if (colon < 0) {
    const digest = /^[0-9a-f]+$/i.test(text) ? HEX_LENGTHS[text.length] : undefined;
    return digest === undefined ? undefined : { digest, bytes: Buffer.from(text, 'hex') };
  }
  const digest = temporaryDigests.find((known) => known === text.slice(0, colon));
  const encoded = text.slice(colon + 1);
  if (digest === undefined || !BASE64.test(encoded)) return undefined;
  return { digest, bytes: Buffer.from(encoded, 'base64') };
}

export interface SignedPath {
  readonly method: string;
  /** Seconds since 1970, as the signature has it. */
  readonly expiresSeconds: number;
  /** Decoded: `/v1/account/container/object`, or `prefix:` and the path of a prefix. */
  readonly path: string;
  /** As in the query; '' for any address. */
  readonly addressRange: string;
}

export function isSignedBy(signature: TemporarySignature, signed: SignedPath, key: Buffer): boolean {
  const { method, expiresSeconds, path, addressRange } = signed;
  const range = addressRange === '' ? '' : `ip=${addressRange}\n`;
  const text = `${range}${method}\n${expiresSeconds}\n${path}`;
  const expected = createHmac(signature.digest, key).update(text).digest();
  return expected.length === signature.bytes.length && timingSafeEqual(expected, signature.bytes);
}
