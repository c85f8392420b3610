/** What an operator decides about identity: one section, in a cluster's file and in a control role's. */
import { defaultTo, section } from './schema.ts';
import { flag, integer } from './values.ts';

const DAY_SECONDS = 86_400;

export const identityFields = {
  tokenSeconds: defaultTo(3600, integer(60, 7 * DAY_SECONDS), 'How long a token is good.'),
  keyRotationSeconds: defaultTo(
    DAY_SECONDS,
    integer(120, 366 * DAY_SECONDS),
    'How long a key signs tokens before the next one does.',
  ),
  passwordCharactersMin: defaultTo(8, integer(1, 128), 'Characters that a password has at least.'),
  passwordHistory: defaultTo(0, integer(0, 24), 'Former passwords that are not taken again.'),
  passwordDays: defaultTo(0, integer(0, 3660), 'Days after which a password has to be changed; 0 for never.'),
  lockoutFailures: defaultTo(
    10,
    integer(0, 1000),
    'Wrong passwords, one after the other, after which a user is locked out; 0 for never.',
  ),
  lockoutSeconds: defaultTo(300, integer(1, 365 * DAY_SECONDS), 'How long a user is locked out.'),
  failuresAtOnceMax: defaultTo(
    30,
    integer(1, 100_000),
    'Failed logins that one address may make at once; one more each second.',
  ),
  version2: defaultTo(false, flag, 'Whether the Identity API v2.0 is served beside v3.'),
};

export const identitySection = section(identityFields, 'Users, passwords and tokens.');
