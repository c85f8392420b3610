/**
 * Reads and replaces the users file (docs/formats/users.md). It uses the real file system and not the engine's file
 * seam, because a file's mode and its times are what this is about.
 */
import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HoldfastError, errorText } from '#common/errors.ts';
import { type SpaceId, spaceId } from '#common/ids.ts';

export const USERS_VERSION = 2;
const USERS_MAX = 10_000;
const FILE_BYTES_MAX = 8 * 1024 * 1024;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const ACCESS_KEY = /^[A-Za-z0-9._:-]{3,128}$/;
const SECRET_KEY = /^[\x21-\x7e]{6,128}$/;
const USER_KEYS = ['name', 'account', 'accountName', 'accessKey', 'secretKey', 'role', 'admin'];

export const userRoles = ['owner', 'member'] as const;
/** An owner may do everything in its account; a member only what access lists and policies give it. */
export type UserRole = (typeof userRoles)[number];

export function isAccessKey(text: string): boolean {
  return ACCESS_KEY.test(text);
}

export function isSecretKey(text: string): boolean {
  return SECRET_KEY.test(text);
}

export interface User {
  readonly name: string;
  readonly account: SpaceId;
  readonly accountName: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly role: UserRole;
  readonly admin: boolean;
}

export interface UsersFile {
  readonly users: readonly User[];
  /** Differs when the file has been replaced or written to. */
  readonly revision: string;
}

/** What tells one state of a file from another, without reading it. */
export function revisionOf(stats: BigIntStats): string {
  return `${stats.dev}/${stats.ino}/${stats.mtimeNs}/${stats.ctimeNs}/${stats.size}`;
}

/** Throws `configuration-invalid` when the file cannot be read or is open to others, `format-invalid` for what it holds. */
export async function readUsers(path: string): Promise<UsersFile> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY);
  } catch (cause) {
    throw new HoldfastError('configuration-invalid', `${path}: ${errorText(cause)}`, { cause });
  }
  try {
    const stats = await file.stat({ bigint: true });
    const problem = fileProblem(stats);
    if (problem !== undefined) throw new HoldfastError('configuration-invalid', `${path}: ${problem}`);
    const text = await file.readFile('utf8');
    return { users: parseUsers(text, path), revision: revisionOf(stats) };
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    throw new HoldfastError('configuration-invalid', `${path}: ${errorText(cause)}`, { cause });
  } finally {
    await file.close();
  }
}

function fileProblem(stats: BigIntStats): string | undefined {
  if (!stats.isFile()) return 'not a file';
  if ((stats.mode & 0o077n) !== 0n) {
    return `it holds secrets and others may use it (mode ${(stats.mode & 0o777n).toString(8)}); set its mode to 600`;
  }
  return stats.size > BigInt(FILE_BYTES_MAX) ? `longer than ${FILE_BYTES_MAX} bytes` : undefined;
}

/** Throws `format-invalid`; secrets never appear in the message. */
export function parseUsers(text: string, source = 'the users file'): User[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, which is made of secrets.
    throw invalid(source, 'not JSON');
  }
  if (!isObject(parsed)) throw invalid(source, 'not an object');
  if (parsed['version'] !== USERS_VERSION) throw invalid(source, `its version is not ${USERS_VERSION}`);
  const entries: unknown = parsed['users'];
  if (!Array.isArray(entries)) throw invalid(source, 'users is not a list');
  if (entries.length > USERS_MAX) throw invalid(source, `more than ${USERS_MAX} users`);
  const users = entries.map((entry: unknown, index) => parseUser(entry, index, source));
  checkUnique(users, source);
  return users;
}

function parseUser(entry: unknown, index: number, source: string): User {
  const fail = (what: string) => invalid(source, `users[${index}]${what}`);
  if (!isObject(entry)) throw fail(' is not an object');
  for (const key of Object.keys(entry)) {
    if (!USER_KEYS.includes(key)) throw fail(' has a key that is not known');
  }
  const text = (key: string, pattern: RegExp): string => {
    const value = entry[key];
    if (typeof value === 'string' && pattern.test(value)) return value;
    throw fail(`.${key} is missing or not of its form`);
  };
  const { admin } = entry;
  if (typeof admin !== 'boolean') throw fail('.admin is neither true nor false');
  const role = userRoles.find((known) => known === entry['role']);
  if (role === undefined) throw fail('.role is neither owner nor member');
  return {
    name: text('name', NAME),
    account: spaceId(text('account', /^[0-9a-f]{32}$/)),
    accountName: text('accountName', NAME),
    accessKey: text('accessKey', ACCESS_KEY),
    secretKey: text('secretKey', SECRET_KEY),
    role,
    admin,
  };
}

function checkUnique(users: readonly User[], source: string): void {
  const names = new Set<string>();
  const accessKeys = new Set<string>();
  const accounts = new Map<SpaceId, string>();
  const accountIds = new Map<string, SpaceId>();
  for (const user of users) {
    const fullName = `${user.accountName}:${user.name}`;
    if (names.has(fullName)) throw invalid(source, `two users are named ${fullName}`);
    if (accessKeys.has(user.accessKey)) throw invalid(source, `two users have access key ${user.accessKey}`);
    const accountName = accounts.get(user.account) ?? user.accountName;
    if (accountName !== user.accountName) throw invalid(source, `account ${user.account} has two names`);
    const account = accountIds.get(user.accountName) ?? user.account;
    if (account !== user.account) throw invalid(source, `two accounts are named ${user.accountName}`);
    names.add(fullName);
    accountIds.set(user.accountName, user.account);
    accessKeys.add(user.accessKey);
    accounts.set(user.account, accountName);
  }
}

function invalid(source: string, what: string): HoldfastError {
  return new HoldfastError('format-invalid', `${source}: ${what}`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Replaces the file as a whole; durable when it resolves. Throws `format-invalid` when the users would not be read back,
 * `configuration-invalid` when the folder does not take the file.
 */
export async function saveUsers(path: string, users: readonly User[]): Promise<void> {
  const text = `${JSON.stringify({ version: USERS_VERSION, users }, undefined, 2)}\n`;
  parseUsers(text, path);
  const temporary = `${path}.new`;
  try {
    await unlink(temporary).catch(ignoreMissing);
    await writeDurably(temporary, text);
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    await unlink(temporary).catch(() => undefined);
    throw new HoldfastError('configuration-invalid', `${path}: ${errorText(cause)}`, { cause });
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  // The mode is given when the file is made: there is no moment at which others could open it.
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A rename is only durable when its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function ignoreMissing(error: unknown): void {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
  throw error;
}
