/** Everything that identity works with, built once and passed on. */
import type { Clock } from '#common/io/clock.ts';
import type { Randomness } from '#common/io/randomness.ts';
import type { Logger } from '#common/log/logger.ts';
import { SecretSeal } from '../protocol/sealed-secret.ts';
import { TokenVerifier } from '../protocol/token-verifier.ts';
import type { Store } from '../store/store.ts';
import { Catalogue } from './access/catalogue.ts';
import { defaultHashCost, type HashCost, PasswordHasher } from './passwords/password-hash.ts';
import { Passwords } from './passwords/passwords.ts';
import { Collection } from './records/collection.ts';
import { Grants } from './records/grants.ts';
import { Pairs } from './records/pairs.ts';
import type {
  AccessRuleRecord,
  ApplicationCredentialRecord,
  CredentialRecord,
  DomainRecord,
  EndpointRecord,
  GroupRecord,
  ProjectRecord,
  RegionRecord,
  RoleRecord,
  ServiceRecord,
  UserRecord,
} from './records/records.ts';
import type { IdentitySettings } from './settings.ts';
import { Follower } from './tokens/follower.ts';
import { revokingStore } from './tokens/revoking-store.ts';
import { SigningKeys } from './tokens/signing-keys.ts';

export interface IdentityOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
  readonly clusterKey: Buffer;
  readonly settings: IdentitySettings;
  /** What a new password costs to hash; `defaultHashCost` but in tests of something else. */
  readonly hashCost?: HashCost;
}

export interface Identity extends Omit<IdentityOptions, 'clusterKey' | 'hashCost'> {
  readonly seal: SecretSeal;
  readonly domains: Collection<DomainRecord>;
  readonly projects: Collection<ProjectRecord>;
  readonly users: Collection<UserRecord>;
  readonly groups: Collection<GroupRecord>;
  readonly roles: Collection<RoleRecord>;
  readonly regions: Collection<RegionRecord>;
  readonly services: Collection<ServiceRecord>;
  readonly endpoints: Collection<EndpointRecord>;
  readonly credentials: Collection<CredentialRecord>;
  readonly applicationCredentials: Collection<ApplicationCredentialRecord>;
  readonly accessRules: Collection<AccessRuleRecord>;
  readonly grants: Grants;
  /** User in group. */
  readonly members: Pairs;
  /** Role that implies a role. */
  readonly implied: Pairs;
  readonly hasher: PasswordHasher;
  readonly passwords: Passwords;
  readonly keys: SigningKeys;
  readonly verifier: TokenVerifier;
  readonly catalogue: Catalogue;
  /** Keeps the verifier and the catalogue as the store has them. */
  readonly follower: Follower;
  close(): Promise<void>;
}

/** One at a core's time, so that checking passwords leaves the other core to everything else. */
const HASHES_AT_ONCE = 2;
const HASHES_WAITING_MAX = 256;

/** The store is the caller's to close. */
export async function openIdentity(options: IdentityOptions): Promise<Identity> {
  const { clock, randomness, clusterKey, settings, log } = options;
  const store = revokingStore(options.store, clock);
  const seal = new SecretSeal(clusterKey);
  const hasher = new PasswordHasher({
    randomness,
    cost: options.hashCost ?? defaultHashCost,
    concurrency: HASHES_AT_ONCE,
    waitingMax: HASHES_WAITING_MAX,
  });
  const verifier = new TokenVerifier(clock);
  const catalogue = new Catalogue();
  const keys = new SigningKeys(store, seal, randomness);
  const follower = new Follower({ store, clock, log, verifier, catalogue, keys, settings });
  await follower.start();
  return {
    store,
    clock,
    randomness,
    log,
    settings,
    seal,
    ...collectionsOf(store),
    grants: new Grants(store),
    members: new Pairs(store, 'member'),
    implied: new Pairs(store, 'implied'),
    hasher,
    passwords: new Passwords(store, hasher, settings, () => clock.nowMs()),
    keys,
    verifier,
    catalogue,
    follower,
    close: () => follower.close(),
  };
}

function collectionsOf(store: Store) {
  const owner = ({ user_id }: { user_id: string }) => user_id;
  const inDomain = ({ domain_id, name }: { domain_id: string; name: string }) => ({
    within: domain_id,
    name,
  });
  return {
    domains: new Collection<DomainRecord>({
      store,
      kind: 'domain',
      claim: ({ name }) => ({ within: 'all', name }),
    }),
    projects: new Collection<ProjectRecord>({ store, kind: 'project', claim: inDomain }),
    users: new Collection<UserRecord>({ store, kind: 'user', claim: inDomain }),
    groups: new Collection<GroupRecord>({ store, kind: 'group', claim: inDomain }),
    roles: new Collection<RoleRecord>({
      store,
      kind: 'role',
      claim: ({ domain_id, name }) => ({ within: domain_id ?? 'all domains', name }),
    }),
    regions: new Collection<RegionRecord>({ store, kind: 'region' }),
    services: new Collection<ServiceRecord>({ store, kind: 'service' }),
    endpoints: new Collection<EndpointRecord>({ store, kind: 'endpoint' }),
    credentials: new Collection<CredentialRecord>({ store, kind: 'credential', owner }),
    applicationCredentials: new Collection<ApplicationCredentialRecord>({
      store,
      kind: 'application credential',
      owner,
      claim: ({ user_id, name }) => ({ within: user_id, name }),
    }),
    accessRules: new Collection<AccessRuleRecord>({
      store,
      kind: 'access rule',
      owner,
      claim: ({ user_id, service, method, path }) => ({
        within: user_id,
        name: `${service} ${method} ${path}`,
      }),
    }),
  };
}
