/**
 * Signing keys, derived from a secret for one day and one region
 * (AWS General Reference, "Create a signed AWS API request", step 4).
 */
import { createHmac } from 'node:crypto';
import type { Credential } from './credential-store.ts';

const KEYS_MAX_DEFAULT = 4096;

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

export function deriveSigningKey(secretKey: string, date: string, region: string, service = 's3'): Buffer {
  return hmac(hmac(hmac(hmac(`AWS4${secretKey}`, date), region), service), 'aws4_request');
}

interface CachedKey {
  readonly credential: Credential;
  readonly signingKey: Buffer;
}

/** A bounded cache of signing keys; the oldest entry leaves first. A changed credential is never served from it. */
export class SigningKeyCache {
  readonly #keys = new Map<string, CachedKey>();
  readonly #keysMax: number;

  constructor(keysMax: number = KEYS_MAX_DEFAULT) {
    if (!Number.isInteger(keysMax) || keysMax < 1) throw new RangeError('the cache holds at least one key');
    this.#keysMax = keysMax;
  }

  get size(): number {
    return this.#keys.size;
  }

  /** @param date `YYYYMMDD` of the signature's scope. */
  find(credential: Credential, date: string, region: string): Buffer {
    const name = `${credential.principal.accessKey}/${date}/${region}`;
    const cached = this.#keys.get(name);
    if (cached !== undefined && cached.credential === credential) return cached.signingKey;
    const signingKey = deriveSigningKey(credential.secretKey, date, region);
    this.#keys.delete(name);
    if (this.#keys.size >= this.#keysMax) {
      const oldest = this.#keys.keys().next();
      if (oldest.done !== true) this.#keys.delete(oldest.value);
    }
    this.#keys.set(name, { credential, signingKey });
    return signingKey;
  }
}
