/** What bounds identity: what an operator decides (docs/configuration.md, `identity`), and what nobody does. */
import { identityFields } from '#common/config/identity-config.ts';
import type { IdentityConfig } from '#common/config/roles.ts';
import { fallbacks } from '#common/config/schema.ts';

export type IdentitySettings = IdentityConfig;

export const defaultIdentitySettings: IdentitySettings = Object.freeze(fallbacks(identityFields));

export const limits = {
  nameCharactersMax: 255,
  projectNameCharactersMax: 64,
  descriptionCharactersMax: 4096,
  /** Of one record, as JSON. */
  recordBytesMax: 64 * 1024,
  projectDepthMax: 5,
  tagsMax: 80,
  tagCharactersMax: 255,
  rolesOfTokenMax: 100,
  accessRulesMax: 16,
  applicationCredentialsMax: 100,
  credentialsOfUserMax: 100,
  accessRulesOfUserMax: 1000,
  /** Rows of a list; a longer one says that it is truncated. */
  listMax: 10_000,
} as const;
