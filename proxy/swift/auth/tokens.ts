/**
 * TempAuth's tokens: docs/formats/swift-token.md. Every proxy of a cluster can check one, since it is signed with a key
 * that follows from the cluster's; there is nothing to store.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Credential, CredentialStore } from '#proxy/auth/credential-store.ts';

const PREFIX = 'AUTH_tk';
const VERSION = 1;
const HEADER_BYTES = 5;
const MAC_BYTES = 32;
const TOKEN_CHARACTERS_MAX = 512;
const KEY_PURPOSE = 'holdfast swift token 1';
export const TOKEN_SECONDS = 86_400;

export interface IssuedToken {
  readonly text: string;
  readonly expiresSeconds: number;
}

export function isTempAuthToken(token: string): boolean {
  return token.startsWith(PREFIX);
}

export class Tokens {
  readonly #key: Buffer;

  constructor(clusterKey: Buffer) {
    this.#key = createHmac('sha256', clusterKey).update(KEY_PURPOSE).digest();
  }

  issue(credential: Credential, nowMs: number): IssuedToken {
    const { accountName, userName } = credential.principal;
    const user = Buffer.from(`${accountName}:${userName}`);
    const payload = Buffer.alloc(HEADER_BYTES + user.length);
    payload[0] = VERSION;
    payload.writeUInt32BE(Math.floor(nowMs / 1000) + TOKEN_SECONDS, 1);
    payload.set(user, HEADER_BYTES);
    const signed = Buffer.concat([payload, this.#mac(payload, credential.secretKey)]);
    return { text: PREFIX + signed.toString('base64url'), expiresSeconds: TOKEN_SECONDS };
  }

  /** The user that a token was issued to; undefined when it is none of ours, or of no use any more. */
  check(token: string, store: CredentialStore, nowMs: number): Credential | undefined {
    if (!token.startsWith(PREFIX) || token.length > TOKEN_CHARACTERS_MAX) return undefined;
    const signed = Buffer.from(token.slice(PREFIX.length), 'base64url');
    if (signed.length < HEADER_BYTES + MAC_BYTES || signed[0] !== VERSION) return undefined;
    const payload = signed.subarray(0, -MAC_BYTES);
    if (payload.readUInt32BE(1) * 1000 <= nowMs) return undefined;
    const [accountName = '', userName = ''] = payload.toString('utf8', HEADER_BYTES).split(':');
    const credential = store.findUser(accountName, userName);
    if (credential === undefined) return undefined;
    const mac = this.#mac(payload, credential.secretKey);
    return timingSafeEqual(mac, signed.subarray(-MAC_BYTES)) ? credential : undefined;
  }

  /** The user's secret is part of what is signed, so that a token ends with it. */
  #mac(payload: Buffer, secretKey: string): Buffer {
    return createHmac('sha256', this.#key).update(payload).update('\0').update(secretKey).digest();
  }
}
