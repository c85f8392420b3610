/** What can be limited, and what holds when nobody has said anything: docs/formats/quota-store.md. */
import { type StoredQuotaName, storedQuotaNames, UNLIMITED } from '../protocol/quota-record.ts';

export interface QuotaKind {
  /** The service's type, as the catalogue has it. */
  readonly service: 'object-store' | 'volume' | 'image' | 'compute' | 'network';
  readonly limit: number;
}

/** Counted in the control store, in the transaction that makes or removes one. The defaults are OpenStack's. */
export const countedQuotas = {
  volumes: { service: 'volume', limit: 10 },
  /** GiB, of volumes and snapshots. */
  gigabytes: { service: 'volume', limit: 1000 },
  snapshots: { service: 'volume', limit: 10 },
  backups: { service: 'volume', limit: 10 },
  backup_gigabytes: { service: 'volume', limit: 1000 },
  images: { service: 'image', limit: UNLIMITED },
  instances: { service: 'compute', limit: 10 },
  cores: { service: 'compute', limit: 20 },
  /** MiB. */
  ram: { service: 'compute', limit: 51_200 },
  ports: { service: 'network', limit: 500 },
  floating_ips: { service: 'network', limit: 50 },
} as const satisfies Readonly<Record<string, QuotaKind>>;

/** Counted by the cluster, and kept to by the proxies. */
export const storedQuotas = {
  bytes: { service: 'object-store', limit: UNLIMITED },
  objects: { service: 'object-store', limit: UNLIMITED },
  containers: { service: 'object-store', limit: UNLIMITED },
} as const satisfies Readonly<Record<StoredQuotaName, QuotaKind>>;

export const quotaCatalogue = { ...storedQuotas, ...countedQuotas } as const;

export type CountedQuotaName = keyof typeof countedQuotas;
export type QuotaName = keyof typeof quotaCatalogue;
export type Amounts = Readonly<Partial<Record<CountedQuotaName, number>>>;

export const countedQuotaNames = Object.keys(countedQuotas) as CountedQuotaName[];
export const quotaNames = Object.keys(quotaCatalogue) as QuotaName[];

export function isStored(name: QuotaName): name is StoredQuotaName {
  return (storedQuotaNames as readonly string[]).includes(name);
}
