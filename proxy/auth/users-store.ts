/** The credentials of a users file, which follows the file as it changes. */
import { stat } from 'node:fs/promises';
import { errorText } from '#common/errors.ts';
import type { SpaceId } from '#common/ids.ts';
import type { Clock, Timer } from '#common/io/clock.ts';
import type { Account, Credential, CredentialStore } from './credential-store.ts';
import { type User, readUsers, revisionOf } from './users-file.ts';

const POLL_MS = 1000;

export interface UsersStoreOptions {
  readonly clock: Clock;
  /** Told once of each state of the file that could not be used; the users stay as they were. */
  readonly report: (problem: string) => void;
}

export class UsersStore implements CredentialStore {
  readonly #path: string;
  readonly #options: UsersStoreOptions;
  #credentials: ReadonlyMap<string, Credential> = new Map();
  #users: ReadonlyMap<string, Credential> = new Map();
  #accounts: ReadonlyMap<SpaceId, Account> = new Map();
  #accountNames: ReadonlyMap<string, Account> = new Map();
  #revision = '';
  #lastProblem = '';
  #timer: Timer | undefined;
  #closed = false;

  private constructor(path: string, options: UsersStoreOptions) {
    this.#path = path;
    this.#options = options;
  }

  /** Throws what `readUsers` throws: a proxy does not start without its users. */
  static async open(path: string, options: UsersStoreOptions): Promise<UsersStore> {
    const store = new UsersStore(path, options);
    const file = await readUsers(path);
    store.#apply(file.users, file.revision);
    store.#schedule();
    return store;
  }

  find(accessKey: string): Credential | undefined {
    return this.#credentials.get(accessKey);
  }

  findUser(accountName: string, userName: string): Credential | undefined {
    return this.#users.get(`${accountName}:${userName}`);
  }

  account(id: SpaceId): Account | undefined {
    return this.#accounts.get(id);
  }

  accountNamed(name: string): Account | undefined {
    return this.#accountNames.get(name);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  /** Reads the file now if it has changed. Never throws. */
  async refresh(): Promise<void> {
    let revision = 'missing';
    try {
      revision = revisionOf(await stat(this.#path, { bigint: true }));
      if (revision === this.#revision) return;
      const file = await readUsers(this.#path);
      this.#apply(file.users, file.revision);
    } catch (error) {
      const problem = `${revision} ${errorText(error)}`;
      if (problem !== this.#lastProblem) this.#options.report(errorText(error));
      this.#lastProblem = problem;
    }
  }

  #schedule(): void {
    this.#timer = this.#options.clock.after(POLL_MS, () => {
      void this.refresh().then(() => {
        if (!this.#closed) this.#schedule();
      });
    });
  }

  #apply(users: readonly User[], revision: string): void {
    const credentials = new Map<string, Credential>();
    const named = new Map<string, Credential>();
    const accounts = new Map<SpaceId, Account>();
    const accountNames = new Map<string, Account>();
    for (const user of users) {
      const known = this.#credentials.get(user.accessKey);
      const credential = known !== undefined && sameUser(known, user) ? known : credentialOf(user);
      credentials.set(user.accessKey, credential);
      named.set(`${user.accountName}:${user.name}`, credential);
      const account = { id: user.account, name: user.accountName };
      accounts.set(user.account, account);
      accountNames.set(user.accountName, account);
    }
    this.#users = named;
    this.#accountNames = accountNames;
    this.#credentials = credentials;
    this.#accounts = accounts;
    this.#revision = revision;
    this.#lastProblem = '';
  }
}

function credentialOf(user: User): Credential {
  const { secretKey, name: userName, account, accountName, accessKey, role, admin } = user;
  return {
    secretKey,
    principal: Object.freeze({ userName, account, accountName, accessKey, role, admin }),
  };
}

function sameUser(known: Credential, user: User): boolean {
  const { principal } = known;
  return (
    known.secretKey === user.secretKey &&
    principal.userName === user.name &&
    principal.account === user.account &&
    principal.accountName === user.accountName &&
    principal.role === user.role &&
    principal.admin === user.admin
  );
}
