/** The interface through which requests are matched to users. */
import type { SpaceId } from '#common/ids.ts';
import type { Principal } from './principal.ts';

/**
 * An access key and its secret. The object stays the same for as long as neither changes, so that what is derived from
 * the secret can be cached by it.
 */
export interface Credential {
  readonly principal: Principal;
  readonly secretKey: string;
}

export interface Account {
  readonly id: SpaceId;
  readonly name: string;
  /** Of the project that has the account; undefined when identity knows none. */
  readonly domainId?: string;
}

export interface CredentialStore {
  /** Throws `peer-unavailable` for a key that only identity could know, which has not been heard of for too long. */
  find(accessKey: string): Credential | undefined;
  /** A user by the names of its account and its own. */
  findUser(accountName: string, userName: string): Credential | undefined;
  /** The account that owns a bucket; undefined once its last user has been removed. */
  account(id: SpaceId): Account | undefined;
  accountNamed(name: string): Account | undefined;
}
