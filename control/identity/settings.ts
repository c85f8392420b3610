/** What an operator decides about identity (docs/configuration.md, `identity`). */
import type { PasswordSettings } from './passwords/passwords.ts';

export interface IdentitySettings extends PasswordSettings {
  readonly tokenSeconds: number;
  /** How long a key signs tokens before the next one does. */
  readonly keyRotationSeconds: number;
  /** Wrong logins that an address may make at once, and one more each second. */
  readonly failuresAtOnceMax: number;
  /** Whether `/v2.0` is served. */
  readonly version2: boolean;
}

export const defaultIdentitySettings: IdentitySettings = Object.freeze({
  tokenSeconds: 3600,
  keyRotationSeconds: 86_400,
  passwordCharactersMin: 8,
  passwordHistory: 0,
  passwordDays: 0,
  lockoutFailures: 10,
  lockoutSeconds: 300,
  failuresAtOnceMax: 30,
  version2: false,
});

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
  /** Rows of a list; a longer one says that it is truncated. */
  listMax: 10_000,
} as const;
