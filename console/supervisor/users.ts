/** The cluster's users, as the console changes them; the proxies follow the file. */
import { createHash } from 'node:crypto';
import type { UserConfig } from '#common/config/cluster-config.ts';
import { HoldfastError } from '#common/errors.ts';
import { type SpaceId, spaceId } from '#common/ids.ts';
import type { Files } from '#common/io/files.ts';
import type { Randomness } from '#common/io/randomness.ts';
import { whileLocked } from '#common/io/while-locked.ts';
import { generateKeyPair, type KeyPair } from '#proxy/auth/access-keys.ts';
import { readUsers, saveUsers, type User, type UserRole } from '#proxy/auth/users-file.ts';
import type { DataPaths } from './data-paths.ts';

export const ADMIN_USER = 'admin';

export interface UserChange {
  readonly files: Files;
  readonly paths: DataPaths;
  readonly randomness: Randomness;
}

export interface WantedUser extends UserConfig {
  readonly admin: boolean;
  /** `owner` when left out. */
  readonly role?: UserRole;
  /** Generated when left out. */
  readonly keys?: KeyPair;
}

function isSameUser(user: User, wanted: UserConfig): boolean {
  return user.name === wanted.name && user.accountName === (wanted.account ?? wanted.name);
}

/** The users as they are, or none before the first start has made the file. */
export async function loadUsers(files: Files, paths: DataPaths): Promise<readonly User[]> {
  return (await files.exists(paths.users)) ? (await readUsers(paths.users)).users : [];
}

/**
 * Adds those of `wanted` whose names are not there yet, with generated keys. @returns all users. One writer at a time: the
 * file's lock is held meanwhile, and a second command is refused.
 */
export async function addMissingUsers(
  change: UserChange,
  wanted: readonly WantedUser[],
): Promise<readonly User[]> {
  return await changeUsers(change, (users) => {
    const all = [...users];
    for (const user of wanted) {
      if (all.some((known) => isSameUser(known, user))) continue;
      const { name, admin, role = 'owner' } = user;
      const accountName = user.account ?? name;
      const keys = user.keys ?? generateKeyPair(change.randomness);
      all.push({ name, account: accountOf(all, accountName), accountName, ...keys, role, admin });
    }
    return all;
  });
}

/** Throws `invalid-argument` when there is such a user. */
export async function addUser(change: UserChange, wanted: WantedUser): Promise<User> {
  if ((await loadUsers(change.files, change.paths)).some((user) => isSameUser(user, wanted)))
    throw new HoldfastError('invalid-argument', `there is a user ${wanted.name} already`);
  const users = await addMissingUsers(change, [wanted]);
  const added = users.find((user) => isSameUser(user, wanted));
  if (added === undefined) throw new Error('the user was not added');
  return added;
}

/**
 * Throws `invalid-argument` when there is no such user, when several accounts have one of that name and `account` is left
 * out, or when it is the one that `admin.env` stands for.
 */
export async function removeUser(change: UserChange, name: string, account?: string): Promise<void> {
  await changeUsers(change, (users) => {
    const named = users.filter(
      (user) => user.name === name && (account === undefined || user.accountName === account),
    );
    const [found, ...others] = named;
    if (found === undefined) throw new HoldfastError('invalid-argument', `there is no user ${name}`);
    if (others.length > 0) {
      const accounts = named.map(({ accountName }) => accountName).join(', ');
      throw new HoldfastError('invalid-argument', `several accounts have a user ${name}: ${accounts}`);
    }
    if (isSameUser(found, { name: ADMIN_USER, account: undefined }))
      throw new HoldfastError('invalid-argument', `${ADMIN_USER} cannot be removed`);
    return users.filter((user) => user !== found);
  });
}

async function changeUsers(
  { files, paths }: UserChange,
  change: (users: readonly User[]) => readonly User[],
): Promise<readonly User[]> {
  return await whileLocked(files, `${paths.users}.lock`, async () => {
    const before = await loadUsers(files, paths);
    const after = change(before);
    if (after.length !== before.length) await saveUsers(paths.users, after);
    return after;
  });
}

/**
 * An account's id follows from its name: a user that is removed and made again finds the buckets of its account, and two
 * users whose configuration names one account share it.
 */
function accountOf(users: readonly User[], accountName: string): SpaceId {
  const known = users.find((user) => user.accountName === accountName);
  if (known !== undefined) return known.account;
  return spaceId(createHash('sha256').update(`holdfast account\0${accountName}`).digest('hex').slice(0, 32));
}
