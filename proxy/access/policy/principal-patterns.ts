/** Whom a statement names (AWS IAM User Guide, "AWS JSON policy elements: Principal"). */
import { type PrincipalPattern, PolicyError } from './policy.ts';
import { asFields, texts } from './policy-fields.ts';

const INVALID = 'Invalid principal in policy';
const ACCOUNT_ARN =
  /^arn:aws:(?:iam|sts)::([\w-]{0,64}):(root|user\/[\x21-\x7e]{1,512}|[a-z-]+\/[\x21-\x7e]{1,512})$/;
const ACCOUNT = /^[\w-]{1,64}$/;

/** `"*"`, or lists of names by what they name. */
export function parsePrincipals(value: unknown): PrincipalPattern[] {
  if (value === '*') return [{ kind: 'everyone' }];
  const patterns: PrincipalPattern[] = [];
  for (const [kind, named] of Object.entries(asFields(value, INVALID))) {
    for (const name of texts(named, INVALID)) patterns.push(parsePrincipal(kind, name));
  }
  if (patterns.length === 0) throw new PolicyError(INVALID);
  return patterns;
}

function parsePrincipal(kind: string, name: string): PrincipalPattern {
  if (kind === 'AWS') return name === '*' ? { kind: 'everyone' } : parseAccount(name);
  if (kind === 'CanonicalUser' && ACCOUNT.test(name)) return { kind: 'account', account: name };
  if (kind === 'Service' || kind === 'Federated') return { kind: 'nobody' };
  throw new PolicyError(INVALID);
}

function parseAccount(name: string): PrincipalPattern {
  if (ACCOUNT.test(name)) return { kind: 'account', account: name };
  const [, account = '', what = ''] = ACCOUNT_ARN.exec(name) ?? [];
  if (what === '') throw new PolicyError(INVALID);
  if (what === 'root') return { kind: 'account', account };
  // A path before a user's name tells nothing apart: names are unique here.
  if (what.startsWith('user/')) return { kind: 'user', account, name: what.slice(what.lastIndexOf('/') + 1) };
  return { kind: 'nobody' };
}
