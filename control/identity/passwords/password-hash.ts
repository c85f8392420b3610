/**
 * Passwords and secrets of application credentials, hashed by argon2id (RFC 9106) with the parameters that OWASP's Password
 * Storage Cheat Sheet gives first for servers: 19 MiB, 2 passes, 1 lane. The text is PHC's: `$argon2id$v=19$m=…,t=…,p=…$SALT$HASH`.
 */
import { argon2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { Randomness } from '#common/io/randomness.ts';
import { ApiError } from '../api-error.ts';

export interface HashCost {
  readonly memoryKiB: number;
  readonly passes: number;
}

export const defaultHashCost: HashCost = Object.freeze({ memoryKiB: 19 * 1024, passes: 2 });
const LANES = 1;
const HASH_BYTES = 32;
const SALT_BYTES = 16;
/** Characters of a password: hashing is the same work for each, but its bytes are copied. */
export const PASSWORD_CHARACTERS_MAX = 1024;
const HASH = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

const derive = promisify(argon2);

export interface HasherOptions {
  readonly randomness: Randomness;
  /** At work at the same time; each takes a core for some tens of milliseconds, and 19 MiB. */
  readonly concurrency: number;
  /** Of new hashes; one that is there says its own. */
  readonly cost: HashCost;
  /** That may wait; beyond them a login is refused with 503. */
  readonly waitingMax: number;
}

export class PasswordHasher {
  readonly #options: HasherOptions;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(options: HasherOptions) {
    this.#options = options;
  }

  async hash(password: string): Promise<string> {
    const salt = this.#options.randomness.bytes(SALT_BYTES);
    const { memoryKiB, passes } = this.#options.cost;
    const hash = await this.#derive(password, salt, memoryKiB, passes, LANES, HASH_BYTES);
    const text = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '');
    return `$argon2id$v=19$m=${memoryKiB},t=${passes},p=${LANES}$${text(salt)}$${text(hash)}`;
  }

  /** Takes as long for a user that there is not (`undefined`) as for one that there is. */
  async verify(password: string, stored: string | undefined): Promise<boolean> {
    const match = HASH.exec(stored ?? '');
    if (match === null) {
      const { memoryKiB, passes } = this.#options.cost;
      await this.#derive(password, Buffer.alloc(SALT_BYTES), memoryKiB, passes, LANES, HASH_BYTES);
      return false;
    }
    const [, memory, passes, lanes, salt = '', hash = ''] = match;
    const expected = Buffer.from(hash, 'base64');
    const nonce = Buffer.from(salt, 'base64');
    const given = await this.#derive(
      password,
      nonce,
      Number(memory),
      Number(passes),
      Number(lanes),
      expected.length,
    );
    return timingSafeEqual(given, expected);
  }

  async #derive(
    password: string,
    nonce: Buffer,
    memory: number,
    passes: number,
    parallelism: number,
    tagLength: number,
  ): Promise<Buffer> {
    await this.#enter();
    try {
      const message = Buffer.from(password.normalize('NFKC'));
      return await derive('argon2id', { message, nonce, memory, passes, parallelism, tagLength });
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #enter(): Promise<void> {
    const { concurrency, waitingMax } = this.#options;
    if (this.#running >= concurrency) {
      if (this.#waiting.length >= waitingMax)
        throw new ApiError(503, 'Too many passwords are being checked.', { retryAfterSeconds: 5 });
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#running += 1;
  }
}
