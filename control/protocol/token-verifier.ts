/**
 * Tells whether a token is good, without asking anybody: by its signature, its time and the list of what was revoked. What
 * control publishes is put in by whoever follows it (identity-feed.ts, or the control role itself).
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { HoldfastError } from '#common/errors.ts';
import { type Revocation, RevocationList } from './revocations.ts';
import { isSignedBy, readToken } from './token-format.ts';
import type { TokenStatement } from './token-statement.ts';

/** Tokens whose signature has been checked: checking costs a hundred times what finding one here does. */
const CHECKED_MAX = 10_000;
/**
 * How long after its end a token is still known: a service that began what a user asked for in time may finish it
 * (Identity API v3, "allow_expired"). Keys and revocations are kept for so much longer.
 */
export const LATE_TOKEN_MS_MAX = 86_400_000;
/** SubjectPublicKeyInfo of an Ed25519 key (RFC 8410, section 4) up to the key's own 32 bytes. */
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');

export interface VerificationKey {
  readonly id: number;
  /** An Ed25519 public key's 32 bytes (RFC 8032). */
  readonly publicKey: Buffer;
}

export interface VerifyOptions {
  /** Takes a token that ended no longer than `LATE_TOKEN_MS_MAX` ago. */
  readonly allowsLate?: boolean;
}

export interface VerifierClock {
  nowMs(): number;
}

export class TokenVerifier {
  readonly revocations = new RevocationList();
  readonly #clock: VerifierClock;
  readonly #keys = new Map<number, KeyObject>();
  readonly #checked = new Map<string, TokenStatement>();

  constructor(clock: VerifierClock) {
    this.#clock = clock;
  }

  addKey({ id, publicKey }: VerificationKey): void {
    const der = Buffer.concat([SPKI_HEAD, publicKey]);
    this.#keys.set(id, createPublicKey({ key: der, format: 'der', type: 'spki' }));
  }

  removeKey(id: number): void {
    this.#keys.delete(id);
    this.#checked.clear();
  }

  revoke(revocation: Revocation): void {
    this.revocations.add(revocation);
  }

  /** Throws `unauthenticated` for a token that is malformed, not ours, expired or revoked. */
  verify(token: string, { allowsLate = false }: VerifyOptions = {}): TokenStatement {
    const statement = this.#checked.get(token) ?? this.#check(token);
    if (statement.expiresMs + (allowsLate ? LATE_TOKEN_MS_MAX : 0) <= this.#clock.nowMs()) {
      this.#checked.delete(token);
      throw new HoldfastError('unauthenticated', 'the token has expired');
    }
    if (this.revocations.isRevoked(statement))
      throw new HoldfastError('unauthenticated', 'the token was revoked');
    return statement;
  }

  #check(token: string): TokenStatement {
    const read = readToken(token);
    const key = this.#keys.get(read.keyId);
    if (key === undefined || !isSignedBy(read, key))
      throw new HoldfastError('unauthenticated', 'the token was not signed here');
    if (this.#checked.size >= CHECKED_MAX) {
      // A map gives its keys in the order of their coming: the oldest goes.
      const [oldest] = this.#checked.keys();
      if (oldest !== undefined) this.#checked.delete(oldest);
    }
    this.#checked.set(token, read.statement);
    return read.statement;
  }
}
