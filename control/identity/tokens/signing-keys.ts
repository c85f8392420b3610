/**
 * The keys that sign tokens. A new one is published a while before it signs, so that everybody who verifies has it by then;
 * an old one stays until the last token that it signed has expired.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { SecretSeal } from '../../protocol/sealed-secret.ts';
import { prefixed } from '../../store/key-range.ts';
import { isAbsent, put, remove } from '../../store/operations.ts';
import type { Store } from '../../store/store.ts';
import { decode, encode } from '../records/collection.ts';
import type { Randomness } from '#common/io/randomness.ts';

export interface SigningKeyRecord {
  readonly id: number;
  /** 32 bytes, base64. */
  readonly publicKey: string;
  /** The private key's PKCS #8, sealed. */
  readonly sealed: string;
  readonly activeFromMs: number;
}

export const SIGNING_KEYS = 'identity/signing-key/';
/** How long before it signs a key is published. */
export const LEAD_MS = 60_000;

export interface RotationSettings {
  /** A key signs for so long. */
  readonly rotationMs: number;
  /** How long after it was signed a token may still be looked at. */
  readonly tokenLifetimeMs: number;
}

export class SigningKeys {
  readonly #store: Store;
  readonly #seal: SecretSeal;
  readonly #randomness: Randomness;
  #keys: { readonly id: number; readonly activeFromMs: number; readonly privateKey: KeyObject }[] = [];

  constructor(store: Store, seal: SecretSeal, randomness: Randomness) {
    this.#store = store;
    this.#seal = seal;
    this.#randomness = randomness;
  }

  /** The newest that signs already. */
  current(nowMs: number): { readonly id: number; readonly privateKey: KeyObject } {
    const active = this.#keys.findLast(({ activeFromMs }) => activeFromMs <= nowMs) ?? this.#keys[0];
    if (active === undefined) throw new Error('no key was made to sign with');
    return active;
  }

  /** Makes the next key when it is time, drops those that nobody needs, and reads what there is. */
  async rotate(
    nowMs: number,
    { rotationMs, tokenLifetimeMs }: RotationSettings,
  ): Promise<SigningKeyRecord[]> {
    const records = await this.#read();
    const newest = records.at(-1);
    if (newest === undefined || newest.activeFromMs + rotationMs <= nowMs + LEAD_MS) {
      // The first signs at once: there is nobody who could not have it.
      await this.#make((newest?.id ?? 0) + 1, newest === undefined ? nowMs : nowMs + LEAD_MS);
    }
    for (const [at, { id }] of records.entries()) {
      const successor = records[at + 1];
      // With a margin, as clocks differ.
      if (successor !== undefined && successor.activeFromMs + tokenLifetimeMs + LEAD_MS < nowMs)
        await this.#store.transact({ then: [remove(keyOf(id))] });
    }
    return await this.load();
  }

  async load(): Promise<SigningKeyRecord[]> {
    const records = await this.#read();
    this.#keys = records.map(({ id, activeFromMs, sealed }) => ({
      id,
      activeFromMs,
      privateKey: createPrivateKey({
        key: this.#seal.open(sealed, `signing key ${id}`),
        format: 'der',
        type: 'pkcs8',
      }),
    }));
    return records;
  }

  async #read(): Promise<SigningKeyRecord[]> {
    const { entries } = await this.#store.range(prefixed(SIGNING_KEYS));
    return entries
      .map(({ key, value }) => decode<SigningKeyRecord>(value, key))
      .toSorted((a, b) => a.id - b.id);
  }

  /** Of several control processes that find it is time, one makes it. */
  async #make(id: number, activeFromMs: number): Promise<void> {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const der = publicKey.export({ format: 'der', type: 'spki' });
    const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' });
    const record: SigningKeyRecord = {
      id,
      publicKey: der.subarray(-32).toString('base64'),
      sealed: this.#seal.seal(pkcs8, `signing key ${id}`, this.#randomness),
      activeFromMs,
    };
    await this.#store.transact({ compare: [isAbsent(keyOf(id))], then: [put(keyOf(id), encode(record))] });
  }
}

function keyOf(id: number): string {
  return `${SIGNING_KEYS}${String(id).padStart(10, '0')}`;
}
