/** Credentials that are known from the beginning: for tests. */
import type { Account, Credential, CredentialStore } from './credential-store.ts';

export function memoryCredentials(credentials: readonly Credential[]): CredentialStore {
  const accountOf = (found: Credential | undefined): Account | undefined =>
    found === undefined ? undefined : { id: found.principal.account, name: found.principal.accountName };
  return {
    find: (accessKey) => credentials.find(({ principal }) => principal.accessKey === accessKey),
    findUser: (accountName, userName) =>
      credentials.find(
        ({ principal }) => principal.accountName === accountName && principal.userName === userName,
      ),
    account: (id) => accountOf(credentials.find(({ principal }) => principal.account === id)),
    accountNamed: (name) => accountOf(credentials.find(({ principal }) => principal.accountName === name)),
  };
}
