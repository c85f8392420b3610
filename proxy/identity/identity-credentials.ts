/** The users file's users and identity's, as one store: docs/formats/users.md, docs/formats/identity-feed.md. */
import type { SpaceId } from '#common/ids.ts';
import type { Ec2Item } from '#control/protocol/identity-feed.ts';
import type { KnownIdentity } from '#control/protocol/known-identity.ts';
import type { SecretSeal } from '#control/protocol/sealed-secret.ts';
import type { Account, Credential, CredentialStore } from '#proxy/auth/credential-store.ts';
import { principalOf } from './principal-of.ts';

export class IdentityCredentials implements CredentialStore {
  readonly #users: CredentialStore;
  readonly #known: KnownIdentity;
  readonly #seal: SecretSeal;
  /** By what identity told: the same object as long as nothing about it changes. */
  readonly #opened = new WeakMap<Ec2Item, Credential>();

  constructor(users: CredentialStore, known: KnownIdentity, seal: SecretSeal) {
    this.#users = users;
    this.#known = known;
    this.#seal = seal;
  }

  find(accessKey: string): Credential | undefined {
    const user = this.#users.find(accessKey);
    if (user !== undefined) return user;
    const item = this.#known.accessKey(accessKey);
    return item === undefined ? undefined : (this.#opened.get(item) ?? this.#open(item));
  }

  findUser(accountName: string, userName: string): Credential | undefined {
    return this.#users.findUser(accountName, userName);
  }

  account(id: SpaceId): Account | undefined {
    const project = this.#known.project(id);
    const account = this.#users.account(id);
    if (project === undefined) return account;
    return { id, name: account?.name ?? project.name, domainId: project.domainId };
  }

  /** Only the users file's accounts are found by their name: projects of several domains may share one. */
  accountNamed(name: string): Account | undefined {
    const account = this.#users.accountNamed(name);
    return account === undefined ? undefined : (this.account(account.id) ?? account);
  }

  #open(item: Ec2Item): Credential | undefined {
    const { user, project, roles, access, sealed, credentialId } = item;
    const principal = principalOf({ user, project, roles, accessKey: access });
    if (principal === undefined) return undefined;
    const secretKey = this.#seal.open(sealed, `credential ${credentialId}`).toString();
    const credential = { principal, secretKey };
    this.#opened.set(item, credential);
    return credential;
  }
}
