/**
 * Secrets as the control store and the identity feed carry them: encrypted and authenticated (AES-256-GCM) under a key that
 * comes from the cluster's, so that whoever reads a store's disk or a wire learns none (docs/formats/identity.md).
 */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import { HoldfastError } from '#common/errors.ts';
import type { Randomness } from '#common/io/randomness.ts';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = 1;

export class SecretSeal {
  readonly #key: Buffer;

  constructor(clusterKey: Buffer) {
    this.#key = createHmac('sha256', clusterKey).update('holdfast sealed secret 1').digest();
  }

  /** @param purpose what the secret is for: one that is moved to another place does not open there. */
  seal(secret: Buffer, purpose: string, randomness: Randomness): string {
    const nonce = randomness.bytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(purpose));
    const body = Buffer.concat([cipher.update(secret), cipher.final()]);
    return Buffer.concat([Buffer.from([VERSION]), nonce, body, cipher.getAuthTag()]).toString('base64');
  }

  /** Throws `data-corrupt` for what was not sealed with this key for this purpose. */
  open(sealed: string, purpose: string): Buffer {
    const bytes = Buffer.from(sealed, 'base64');
    const bodyAt = 1 + NONCE_BYTES;
    if (bytes.length < bodyAt + TAG_BYTES || bytes[0] !== VERSION)
      throw new HoldfastError('data-corrupt', `the secret of ${purpose} is not a sealed one`);
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(1, bodyAt))
      .setAAD(Buffer.from(purpose))
      .setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(bodyAt, -TAG_BYTES)), decipher.final()]);
    } catch (cause) {
      throw new HoldfastError(
        'data-corrupt',
        `the secret of ${purpose} does not open with this cluster's key`,
        {
          cause,
        },
      );
    }
  }
}
