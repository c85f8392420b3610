/** What one role's process is told. `holdfast up` derives these from its one file; `holdfast serve` reads them. */
import type { DeviceId } from '#common/ids.ts';
import type { EtcdConfig } from './etcd-config.ts';
import type { ValueOf } from './schema.ts';
import type { identityFields } from './identity-config.ts';
import type { ProxyIdentityConfig } from './proxy-identity-config.ts';
import type { Address } from '#common/io/network.ts';

export interface StorageRoleConfig {
  /** Unique in the cluster, such as `storage-1`. */
  readonly name: string;
  readonly listen: Address;
  readonly ringFile: string;
  /** 32 bytes as hexadecimal digits; mode 0600. */
  readonly clusterKeyFile: string;
  readonly devices: readonly { readonly id: DeviceId; readonly path: string }[];
  /** Free bytes on a device's file system under which it refuses writes. */
  readonly reserveBytes: number;
  /** Whether a device that has a vote may begin as an empty folder. */
  readonly newVoters: boolean;
  /** Of a device's log; the engine's own when left out. */
  readonly segmentBytes?: number;
  readonly compactionSeconds?: number;
}

/** A process that serves devices and, to clients, the cluster: what it keeps itself needs no wire. */
export interface NodeRoleConfig {
  readonly name: string;
  readonly storage: StorageRoleConfig;
  readonly proxy: ProxyRoleConfig;
}

export interface SweepConfig {
  /** Age from which on a stripe that nothing refers to is removed. */
  readonly graceSeconds: number;
  readonly intervalSeconds: number;
  /** From one look for expired objects to the next. */
  readonly expirySeconds: number;
  /** What a day is to lifecycle rules, and how often they are carried out. */
  readonly daySeconds: number;
  /** Age from which on a tombstone is reclaimed. */
  readonly reclaimSeconds: number;
}

export interface ProxyRoleConfig {
  readonly name: string;
  readonly listen: Address;
  readonly ringFile: string;
  readonly clusterKeyFile: string;
  /** The users and their keys, mode 0600; read again when it changes. */
  readonly usersFile: string;
  /** Without it, the users file's users are all there are. */
  readonly identity?: ProxyIdentityConfig;
  /** The region that signatures and GetBucketLocation name. */
  readonly region: string;
  /** Host names under which `bucket.host` addresses a bucket. */
  readonly virtualHosts: readonly string[];
  /** Index shards of a new bucket, 1 … 1,024. */
  readonly bucketShards: number;
  /** Requests under way at once; one more is answered 503. */
  readonly requestsMax: number;
  /** Whether no other process serves this cluster's buckets: then a bucket's deletion has no other's lease to wait out. */
  readonly onlyProxy: boolean;
  readonly sweep: SweepConfig;
}

export type IdentityConfig = ValueOf<typeof identityFields>;

export interface ControlRoleConfig {
  readonly name: string;
  /** Identity, for clients. */
  readonly listen: Address;
  /** Where the cluster's own processes follow identity. */
  readonly feed: Address;
  readonly clusterKeyFile: string;
  /** Of the cluster whose use is summed up and limited; neither is done when left out. */
  readonly ringFile?: string;
  /** The folder of the control store. */
  readonly storePath: string;
  /** The control store is there, and not in the folder. */
  readonly etcd?: EtcdConfig | undefined;
  /** What the administrator is given at the first start; mode 0600. */
  readonly adminPasswordFile: string;
  /** The admin project's, when it is made: an account of the object store that is there already. */
  readonly adminProjectId?: string;
  readonly region: string;
  /** What the catalogue names; a URL may hold `%(project_id)s`. */
  readonly services: readonly { readonly type: string; readonly name: string; readonly url: string }[];
  readonly identity: IdentityConfig;
}
