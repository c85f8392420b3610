/** Opens a data directory, making the cluster in it when there is none (docs/formats/data-directory.md). */
import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import type { ClusterConfig } from '#common/config/cluster-config.ts';
import { errorText, hasCode, HoldfastError } from '#common/errors.ts';
import type { DeviceId, SpaceId } from '#common/ids.ts';
import type { FileLock, Files } from '#common/io/files.ts';
import type { Randomness } from '#common/io/randomness.ts';
import { ensureClusterKey } from './cluster-key.ts';
import {
  checkNotForeign,
  checkUnchanged,
  type ClusterIdentity,
  newIdentity,
  readIdentity,
  writeIdentity,
} from './cluster-identity.ts';
import { type DataPaths, dataPaths, devicePath } from './data-paths.ts';
import { replacePrivateFile } from './private-file.ts';
import { devicesToServe, FOLDER_MODE, makeDevices } from './device-folders.ts';
import { ensureRing } from './ensure-ring.ts';
import { cloudsYaml, openStackEnv } from './openstack-env.ts';
import { controlAddress, objectsAddress } from './role-plan.ts';
import { objectClientEnv } from './shell-env.ts';
import { ADMIN_USER, addMissingUsers } from './users.ts';

export interface DataContext {
  readonly files: Files;
  readonly randomness: Randomness;
  readonly nowMs: () => number;
}

export interface OpenData {
  readonly paths: DataPaths;
  readonly identity: ClusterIdentity;
  readonly clusterKey: Buffer;
  readonly devices: readonly DeviceId[];
  readonly isNew: boolean;
  /** The administrator's, in the object store. */
  readonly adminAccount: SpaceId;
  /** Lets another supervisor have the folder. */
  release(): Promise<void>;
}

/**
 * Holds the folder until it is released. Throws `configuration-invalid` when the settings do not fit the cluster in it,
 * `data-in-use` when another supervisor holds it, `format-invalid` for what it cannot read.
 */
export async function openDataDirectory(config: ClusterConfig, context: DataContext): Promise<OpenData> {
  const paths = dataPaths(config.data);
  // A folder of another format, or of another use, is not touched, not even by the lock.
  if (readIdentity(paths) === undefined) checkNotForeign(paths);
  await mkdir(paths.root, { recursive: true, mode: FOLDER_MODE });
  const lock = await takeLock(paths, context.files);
  try {
    const known = readIdentity(paths);
    if (known !== undefined) checkUnchanged(known, config);
    const identity = known ?? newIdentity(config, context.randomness, context.nowMs());
    makeFolders(paths);
    const clusterKey = await ensureClusterKey(paths.clusterKey, context.randomness);
    const standing = await ensureRing(paths.root, config, identity, {
      files: context.files,
      isNew: known === undefined,
    });
    const pathOf = (device: DeviceId): string => devicePath(paths, identity.devicePaths, device);
    const inRing = standing.ring.devices.flatMap((device) => (device === undefined ? [] : [device.id]));
    if (known === undefined) await makeDevices(context.files, context.nowMs, inRing, pathOf);
    const devices = devicesToServe(standing, pathOf);
    const adminAccount = await ensureCredentials(paths, config, context);
    if (known === undefined) writeIdentity(paths, identity);
    return {
      paths,
      identity,
      clusterKey,
      devices,
      isNew: known === undefined,
      adminAccount,
      release: () => lock.release(),
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function takeLock(paths: DataPaths, files: Files): Promise<FileLock> {
  try {
    return await files.lock(paths.lock);
  } catch (cause) {
    if (!hasCode(cause, 'data-in-use'))
      throw new HoldfastError('configuration-invalid', errorText(cause), { cause });
    throw new HoldfastError(
      'data-in-use',
      `${paths.root} is in use by another \`holdfast up\`: ${errorText(cause)}`,
      {
        cause,
      },
    );
  }
}

function makeFolders(paths: DataPaths): void {
  for (const folder of [paths.credentials, paths.devices, paths.run, paths.log])
    mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
  chmodSync(paths.credentials, 0o700);
}

async function ensureCredentials(
  paths: DataPaths,
  config: ClusterConfig,
  context: DataContext,
): Promise<SpaceId> {
  const wanted = [
    { name: ADMIN_USER, account: undefined, admin: true },
    ...config.users.map((user) => ({ ...user, admin: false })),
  ];
  const users = await addMissingUsers({ ...context, paths }, wanted);
  const admin = users.find(({ name, accountName }) => name === ADMIN_USER && accountName === ADMIN_USER);
  if (admin === undefined) throw new Error('the users file has no admin');
  const { region } = config.objects;
  const login = {
    identity: controlAddress(config),
    region,
    userName: ADMIN_USER,
    projectName: ADMIN_USER,
    password: ensureAdminPassword(paths, context.randomness),
  };
  const forObjects = objectClientEnv(admin, objectsAddress(config), region);
  replacePrivateFile(paths.adminEnv, forObjects + openStackEnv(login));
  replacePrivateFile(paths.clouds, cloudsYaml(login));
  return admin.account;
}

/** What the administrator is given at the first start; it is not followed when another is set later. */
function ensureAdminPassword({ adminPassword }: DataPaths, randomness: Randomness): string {
  if (!existsSync(adminPassword))
    replacePrivateFile(adminPassword, `${randomness.bytes(18).toString('base64url')}\n`);
  return readFileSync(adminPassword, 'utf8').trim();
}
