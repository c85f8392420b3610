/** Opens the control store that a configuration names. */
import { readFile } from 'node:fs/promises';
import type { EtcdConfig } from '#common/config/etcd-config.ts';
import { errorText, HoldfastError } from '#common/errors.ts';
import type { EtcdOptions } from './etcd/etcd-options.ts';
import { openEtcdStore } from './etcd/etcd-store.ts';
import { openLevelStore } from './level/open-level-store.ts';
import { refuseHalfMigrated } from './migration/migration-mark.ts';
import type { MvccStoreOptions } from './mvcc/mvcc-store.ts';
import type { Store } from './store.ts';

export interface StoreConfig {
  /** The folder of the `level` store. */
  readonly path: string;
  /** The store is in etcd, and not in the folder. */
  readonly etcd?: EtcdConfig | undefined;
}

/** @throws `data-in-use`, also when a migration to the store is not finished; `configuration-invalid`, and what the stores throw. */
export async function openControlStore(config: StoreConfig, options: MvccStoreOptions): Promise<Store> {
  const store =
    config.etcd === undefined
      ? await openLevelStore({ ...options, path: config.path })
      : openEtcdStore(await readEtcdOptions(config.etcd), options.clock);
  try {
    await refuseHalfMigrated(store);
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Reads the files that the configuration names. */
export async function readEtcdOptions(config: EtcdConfig): Promise<EtcdOptions> {
  const { endpoints, prefix, user, passwordFile } = config;
  if ((user === undefined) !== (passwordFile === undefined))
    throw new HoldfastError('configuration-invalid', 'a user of etcd has a file with its password');
  const password = passwordFile && (await readNamed(passwordFile)).toString().trim();
  const authorities = config.authorityFile && (await readNamed(config.authorityFile));
  const certificate = config.certificateFile && (await readNamed(config.certificateFile));
  const privateKey = config.privateKeyFile && (await readNamed(config.privateKeyFile));
  return {
    endpoints,
    prefix,
    tls: {
      ...(authorities ? { authorities } : {}),
      ...(certificate ? { certificate } : {}),
      ...(privateKey ? { privateKey } : {}),
    },
    ...(user === undefined || !password ? {} : { user: { name: user, password } }),
  };
}

async function readNamed(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new HoldfastError('configuration-invalid', `${file} cannot be read: ${errorText(cause)}`, {
      cause,
    });
  }
}
