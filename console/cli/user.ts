/** `holdfast user`: who may use the object store. */
import { resolve } from 'node:path';
import { type CommandIo, exitCodes } from '#common/command-line.ts';
import { clusterFields, type UserConfig } from '#common/config/cluster-config.ts';
import { checkConfig } from '#common/config/load.ts';
import { errorText, hasCode } from '#common/errors.ts';
import { realFiles } from '#common/io/real-files.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import type { KeyPair } from '#proxy/auth/access-keys.ts';
import { isAccessKey, isSecretKey, type UserRole, userRoles } from '#proxy/auth/users-file.ts';
import { readIdentity } from '../supervisor/cluster-identity.ts';
import { dataPaths } from '../supervisor/data-paths.ts';
import { exportLines } from '../supervisor/shell-env.ts';
import { addUser, loadUsers, removeUser, type UserChange } from '../supervisor/users.ts';
import { textOption, UsageError } from './arguments.ts';
import type { ParsedArguments, ParsedCommand } from './command.ts';
import { textTable } from './ring/text-table.ts';

export const userCommand: ParsedCommand = {
  name: 'user',
  synopsis:
    'list | add NAME [--account NAME] [--role ROLE] | remove NAME [--account NAME]   [--json] [--data DIR]',
  summary: 'adds, lists and removes users of the object store',
  about: `
A user has one access key, and an account whose buckets it sees: one of its own, or one that it shares. A running cluster
follows a change within about a second.

  holdfast user add alice > alice.env      the keys, as lines that a shell sources
  holdfast user list                       everyone, without secrets
  holdfast user remove alice               the buckets of the account stay
`,
  options: {
    account: { value: 'NAME', about: "the account (add: the user's name when left out)" },
    role: { value: 'owner|member', about: 'add: all of the account (default), or what access lists give' },
    'access-key': { value: 'KEY', about: 'add: the access key (default: a new one)' },
    'secret-key': { value: 'KEY', about: 'add: the secret key (default: a new one)' },
    admin: { about: "add: may use every account's buckets" },
    json: { about: 'add, list: as JSON' },
    data: { value: 'DIR', about: 'the folder that holds the cluster (default ./data)' },
  },
  words: [1, 2],
  async run(args, io) {
    const paths = dataPaths(resolve(textOption(args, 'data') ?? './data'));
    if (readIdentity(paths) === undefined) {
      io.err.write(`holdfast user: there is no cluster in ${paths.root}; \`holdfast up\` makes one\n`);
      return exitCodes.refused;
    }
    const change = { files: realFiles(), paths, randomness: realRandomness() };
    const [action, name] = args.words;
    if (action === 'list' && name === undefined) return await list(change, args, io);
    if (name === undefined || (action !== 'add' && action !== 'remove'))
      throw new UsageError('expected list, add NAME or remove NAME');
    try {
      if (action === 'add') return await add(change, name, args, io);
      await removeUser(change, name, textOption(args, 'account'));
      return exitCodes.ok;
    } catch (error) {
      if (!hasCode(error, 'invalid-argument')) throw error;
      io.err.write(`holdfast user: ${errorText(error)}\n`);
      return exitCodes.refused;
    }
  },
};

async function list(
  { files, paths }: UserChange,
  { options }: ParsedArguments,
  io: CommandIo,
): Promise<number> {
  const users = (await loadUsers(files, paths)).map(
    ({ name, accountName, account, accessKey, role, admin }) => ({
      name,
      accountName,
      account,
      accessKey,
      role,
      admin,
    }),
  );
  const rows = users.map((user) => [
    user.name,
    user.accountName,
    user.accessKey,
    user.role,
    user.admin ? 'yes' : 'no',
  ]);
  const text = textTable(['user', 'account', 'access key', 'role', 'admin'], rows);
  io.out.write(options['json'] === true ? `${JSON.stringify(users, undefined, 2)}\n` : text);
  return exitCodes.ok;
}

async function add(change: UserChange, name: string, args: ParsedArguments, io: CommandIo): Promise<number> {
  const wanted = checkedUser(name, textOption(args, 'account'));
  const keys = givenKeys(args);
  const { accessKey, secretKey, accountName } = await addUser(change, {
    ...wanted,
    role: givenRole(args),
    ...(keys === undefined ? undefined : { keys }),
    admin: args.options['admin'] === true,
  });
  const variables = {
    AWS_ACCESS_KEY_ID: accessKey,
    AWS_SECRET_ACCESS_KEY: secretKey,
    ST_USER: `${accountName}:${name}`,
    ST_KEY: secretKey,
  };
  io.out.write(
    args.options['json'] === true
      ? `${JSON.stringify({ name, accountName, accessKey, secretKey }, undefined, 2)}\n`
      : exportLines(variables),
  );
  return exitCodes.ok;
}

function givenRole(args: ParsedArguments): UserRole {
  const given = textOption(args, 'role') ?? 'owner';
  const role = userRoles.find((known) => known === given);
  if (role === undefined) throw new UsageError(`--role is one of ${userRoles.join(', ')}`);
  return role;
}

/** Keys that another system has given out already; both or none. */
function givenKeys(args: ParsedArguments): KeyPair | undefined {
  const accessKey = textOption(args, 'access-key');
  const secretKey = textOption(args, 'secret-key');
  if (accessKey === undefined && secretKey === undefined) return undefined;
  if (accessKey === undefined || secretKey === undefined)
    throw new UsageError('--access-key and --secret-key go together');
  if (!isAccessKey(accessKey)) throw new UsageError('--access-key has 3 to 128 letters, digits, and . _ : -');
  if (!isSecretKey(secretKey))
    throw new UsageError('--secret-key has 6 to 128 printable characters, no blank');
  return { accessKey, secretKey };
}

/** By the same rules as the configuration's `users`. */
function checkedUser(name: string, account: string | undefined): UserConfig {
  try {
    const source = JSON.stringify({ users: [account === undefined ? { name } : { name, account }] });
    const [user] = checkConfig(source, 'user', { users: clusterFields.users }).users;
    if (user !== undefined) return user;
  } catch (error) {
    if (hasCode(error, 'configuration-invalid'))
      throw new UsageError(error.message.replace(/^user:\d+:\d+: users\[0\]\./, ''));
    throw error;
  }
  throw new UsageError('a user needs a name');
}
