/**
 * The secrets of one connection between a controller and an agent. Each side draws an X25519 key (RFC 7748); the
 * controller shows, by an HMAC over both public keys, that it knows the token. From what they agree on and the token each
 * direction has an AES-256-GCM key (HKDF, RFC 5869), so an agent without the token can say nothing. Nobody without it can
 * take part, read, change, repeat or leave out messages, and who learns it later cannot read what was said before.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto';

export type Side = 'controller' | 'agent';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CIPHER = 'aes-256-gcm';
/** What stands before the 32 bytes of a public key (RFC 8410: SubjectPublicKeyInfo of X25519). */
const PUBLIC_KEY_HEAD = Buffer.from('302a300506032b656e032100', 'hex');

export interface Seal {
  /** One message, as base64. */
  seal(text: string): string;
  /** Throws where it is not the other side's next message. */
  open(sealed: string): string;
}

/** Messages are numbered; the number is the nonce, which so never comes twice under one key. */
function nonceOf(message: number): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeBigUInt64BE(BigInt(message), NONCE_BYTES - 8);
  return nonce;
}

function sealOf(sendingKey: Buffer, receivingKey: Buffer): Seal {
  let sent = 0;
  let received = 0;
  return {
    seal(text) {
      const cipher = createCipheriv(CIPHER, sendingKey, nonceOf(sent++));
      return Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString(
        'base64',
      );
    },
    open(sealed) {
      const bytes = Buffer.from(sealed, 'base64');
      if (bytes.length < TAG_BYTES) throw new RangeError('too short to be a message');
      const decipher = createDecipheriv(CIPHER, receivingKey, nonceOf(received++));
      decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
      const text = decipher.update(bytes.subarray(0, bytes.length - TAG_BYTES));
      return Buffer.concat([text, decipher.final()]).toString('utf8');
    },
  };
}

/** One side of one connection. */
export class Session {
  /** Base64: what the other side is sent. */
  readonly publicKey: string;
  readonly #side: Side;
  readonly #token: string;
  readonly #privateKey: KeyObject;

  constructor(side: Side, token: string) {
    const pair = generateKeyPairSync('x25519');
    this.#side = side;
    this.#token = token;
    this.#privateKey = pair.privateKey;
    this.publicKey = pair.publicKey
      .export({ type: 'spki', format: 'der' })
      .subarray(-KEY_BYTES)
      .toString('base64');
  }

  /** Shows the agent that the controller knows the token. */
  proof(theirPublicKey: string): string {
    return this.#proof(theirPublicKey).toString('base64');
  }

  /** Whether the controller knows the token too. */
  accepts(theirPublicKey: string, proof: string): boolean {
    const expected = this.#proof(theirPublicKey);
    const given = Buffer.from(proof, 'base64');
    return given.length === expected.length && timingSafeEqual(given, expected);
  }

  /** Throws where it is no public key. */
  seal(theirPublicKey: string): Seal {
    const bytes = Buffer.from(theirPublicKey, 'base64');
    if (bytes.length !== KEY_BYTES) throw new RangeError('not a public key');
    const key = Buffer.concat([PUBLIC_KEY_HEAD, bytes]);
    const publicKey = createPublicKey({ key, format: 'der', type: 'spki' });
    const shared = diffieHellman({ privateKey: this.#privateKey, publicKey });
    const keyFor = (sender: Side): Buffer =>
      Buffer.from(hkdfSync('sha256', shared, this.#token, `holdfast meter ${sender}`, KEY_BYTES));
    const own = keyFor(this.#side);
    const other = keyFor(this.#side === 'agent' ? 'controller' : 'agent');
    return sealOf(own, other);
  }

  #proof(theirPublicKey: string): Buffer {
    const [agent, controller] =
      this.#side === 'agent' ? [this.publicKey, theirPublicKey] : [theirPublicKey, this.publicKey];
    return createHmac('sha256', this.#token).update(`controller\n${agent}\n${controller}`).digest();
  }
}
