/** The passwords of users: their rules, their past, and the lock after too many wrong ones. */
import { keyPart, single } from '../../store/key-range.ts';
import { getEntry, put, remove, update } from '../../store/operations.ts';
import type { Operation, Store } from '../../store/store.ts';
import { badRequest } from '../api-error.ts';
import { decode, encode } from '../records/collection.ts';
import type { UserRecord } from '../records/records.ts';
import { PASSWORD_CHARACTERS_MAX, type PasswordHasher } from './password-hash.ts';

export interface PasswordSettings {
  readonly passwordCharactersMin: number;
  /** Former passwords that are not taken again. */
  readonly passwordHistory: number;
  /** 0: never. */
  readonly passwordDays: number;
  /** Wrong passwords one after the other after which a user waits. 0: never. */
  readonly lockoutFailures: number;
  readonly lockoutSeconds: number;
}

export interface PasswordRecord {
  readonly hash: string;
  readonly createdMs: number;
  readonly expiresMs: number | null;
  readonly former: readonly string[];
}

interface Failures {
  readonly count: number;
  readonly lastMs: number;
}

const DAY_MS = 86_400_000;

export class Passwords {
  readonly #store: Store;
  readonly #hasher: PasswordHasher;
  readonly #settings: PasswordSettings;
  readonly #nowMs: () => number;

  constructor(store: Store, hasher: PasswordHasher, settings: PasswordSettings, nowMs: () => number) {
    this.#store = store;
    this.#hasher = hasher;
    this.#settings = settings;
    this.#nowMs = nowMs;
  }

  async find(userId: string): Promise<PasswordRecord | undefined> {
    const entry = await getEntry(this.#store, passwordKey(userId));
    return entry === undefined ? undefined : decode<PasswordRecord>(entry.value, entry.key);
  }

  /** Throws 400 when the rules forbid it. @returns what stores it, for the transaction that makes or changes the user. */
  async operationsToSet(userId: string, password: string): Promise<readonly Operation[]> {
    const { passwordCharactersMin, passwordHistory, passwordDays } = this.#settings;
    if (!password.isWellFormed() || password.length > PASSWORD_CHARACTERS_MAX)
      throw badRequest(`A password has at most ${PASSWORD_CHARACTERS_MAX} characters.`);
    if (password.length < passwordCharactersMin)
      throw badRequest(`A password has at least ${passwordCharactersMin} characters.`);
    const known = await this.find(userId);
    const former = known === undefined ? [] : [known.hash, ...known.former].slice(0, passwordHistory);
    for (const hash of former) {
      if (await this.#hasher.verify(password, hash))
        throw badRequest(`The last ${passwordHistory} passwords cannot be used again.`);
    }
    const createdMs = this.#nowMs();
    const record: PasswordRecord = {
      hash: await this.#hasher.hash(password),
      createdMs,
      expiresMs: passwordDays === 0 ? null : createdMs + passwordDays * DAY_MS,
      former,
    };
    return [put(passwordKey(userId), encode(record)), remove(failuresKey(userId))];
  }

  /** What takes everything of a user away. */
  operationsToRemove(userId: string): readonly Operation[] {
    return [
      { kind: 'delete', range: single(passwordKey(userId)) },
      { kind: 'delete', range: single(failuresKey(userId)) },
    ];
  }

  /** Whether it is the user's, who is not locked out. A wrong one is counted. `undefined`: there is no such user. */
  async isRight(user: UserRecord | undefined, password: string): Promise<boolean> {
    const record = user === undefined ? undefined : await this.find(user.id);
    const isRight = await this.#hasher.verify(password, record?.hash);
    if (user === undefined || record === undefined) return false;
    if (user.options.ignore_lockout_failure_attempts === true || this.#settings.lockoutFailures === 0)
      return isRight;
    const entry = await getEntry(this.#store, failuresKey(user.id));
    const failures = entry === undefined ? undefined : decode<Failures>(entry.value, entry.key);
    if (this.#isLocked(failures)) return false;
    if (!isRight) await this.#countFailure(user.id);
    else if (entry !== undefined) await this.#store.transact({ then: [remove(failuresKey(user.id))] });
    return isRight;
  }

  isExpired({ options }: UserRecord, record: PasswordRecord): boolean {
    return (
      record.expiresMs !== null &&
      record.expiresMs <= this.#nowMs() &&
      options.ignore_password_expiry !== true
    );
  }

  #isLocked(failures: Failures | undefined): boolean {
    const { lockoutFailures, lockoutSeconds } = this.#settings;
    return (
      failures !== undefined &&
      failures.count >= lockoutFailures &&
      this.#nowMs() < failures.lastMs + lockoutSeconds * 1000
    );
  }

  async #countFailure(userId: string): Promise<void> {
    const nowMs = this.#nowMs();
    const { lockoutFailures, lockoutSeconds } = this.#settings;
    await update(this.#store, failuresKey(userId), (entry) => {
      const before = entry === undefined ? undefined : decode<Failures>(entry.value, entry.key);
      // Who has waited begins anew.
      const served =
        before === undefined ||
        (before.count >= lockoutFailures && nowMs >= before.lastMs + lockoutSeconds * 1000);
      return encode({ count: served ? 1 : before.count + 1, lastMs: nowMs });
    });
  }
}

function passwordKey(userId: string): string {
  return `identity/password/${keyPart(userId)}`;
}

function failuresKey(userId: string): string {
  return `identity/failures/${keyPart(userId)}`;
}
