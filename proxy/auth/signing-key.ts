/**
 * Signing keys, derived from a secret for one day and one region
 * (AWS General Reference, "Create a signed AWS API request", step 4).
 */
import { hash } from 'node:crypto';
import type { Credential } from './credential-store.ts';

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
const TEXT_BYTES = 448;
const KEYS_MAX_DEFAULT = 4096;

/**
 * HMAC-SHA256 (RFC 2104) under one key. Keeping the two padded blocks and hashing in one shot costs half of what a
 * `createHmac` does for texts as short as these.
 */
export class SigningKey {
  readonly #inner = Buffer.alloc(BLOCK_BYTES + TEXT_BYTES, 0x36);
  readonly #outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES, 0x5c);

  /** @param key raw bytes; one longer than a block is hashed first, as the RFC has it. */
  constructor(key: Buffer) {
    const short = key.length > BLOCK_BYTES ? hash('sha256', key, 'buffer') : key;
    for (const [index, byte] of short.entries()) {
      this.#inner[index] = 0x36 ^ byte;
      this.#outer[index] = 0x5c ^ byte;
    }
  }

  /** 64 lower-case hexadecimal digits. @param text of characters below U+0100, each taken as one byte. */
  sign(text: string): string {
    this.#hashInner(text);
    return hash('sha256', this.#outer, 'hex');
  }

  /** The same as raw bytes. */
  signRaw(text: string): Buffer {
    this.#hashInner(text);
    return hash('sha256', this.#outer, 'buffer');
  }

  #hashInner(text: string): void {
    let inner = this.#inner;
    if (text.length > TEXT_BYTES) {
      inner = Buffer.concat([inner.subarray(0, BLOCK_BYTES), Buffer.from(text, 'latin1')]);
    } else {
      inner.write(text, BLOCK_BYTES, 'latin1');
    }
    const digest = hash('sha256', inner.subarray(0, BLOCK_BYTES + text.length), 'latin1');
    this.#outer.write(digest, BLOCK_BYTES, 'latin1');
  }
}

export function deriveSigningKey(
  secretKey: string,
  date: string,
  region: string,
  service = 's3',
): SigningKey {
  let key = new SigningKey(Buffer.from(`AWS4${secretKey}`));
  for (const text of [date, region, service, 'aws4_request']) key = new SigningKey(key.signRaw(text));
  return key;
}

interface CachedKey {
  readonly credential: Credential;
  readonly signingKey: SigningKey;
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

  /** @param scope `20130524/us-east-1/s3/aws4_request`, of which date and region are given besides. */
  find(credential: Credential, scope: string, date: string, region: string): SigningKey {
    const name = `${credential.principal.accessKey}/${scope}`;
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
