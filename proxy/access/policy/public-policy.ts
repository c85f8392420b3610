/**
 * Whether a statement opens the bucket to the public: it allows everyone something, and no condition ties it to fixed
 * values of where a request comes from or who sends it (Amazon S3 User Guide, "The meaning of 'public'").
 */
import type { Condition } from './condition.ts';
import { parseNetwork } from './network.ts';
import type { Statement } from './policy.ts';
import { hasVariable } from './variables.ts';
import { hasWildcard } from './wildcard.ts';

const FIXING_KEYS = new Set([
  ...['aws:principalaccount', 'aws:principalarn', 'aws:principalorgid', 'aws:sourceaccount', 'aws:sourcearn'],
  ...['aws:sourceowner', 'aws:sourcevpc', 'aws:sourcevpce', 'aws:userid', 'aws:username'],
  ...['s3:dataaccesspointarn', 's3:dataaccesspointaccount'],
]);
const FIXING_OPERATORS = new Set([
  'stringequals',
  'stringequalsignorecase',
  'stringlike',
  'arnequals',
  'arnlike',
]);
/** A network is fixed when it is no wider. */
const NETWORK_BITS_MIN = { ipv4: 8, ipv6: 32 } as const;

export function isPublicStatement(statement: Statement): boolean {
  if (statement.effect !== 'Allow') return false;
  const { patterns, inverted } = statement.principals;
  // Everyone but some is everyone, as far as the public goes.
  if (!inverted && !patterns.some(({ kind }) => kind === 'everyone')) return false;
  return !statement.conditions.some(fixes);
}

function fixes({ operator, key, values, ifExists, quantifier }: Condition): boolean {
  if (ifExists || quantifier === 'all') return false;
  if (key === 'aws:sourceip' && operator === 'ipaddress') return values.every(isNarrow);
  if (!FIXING_KEYS.has(key) || !FIXING_OPERATORS.has(operator)) return false;
  return values.every((value) => !hasVariable(value) && !hasWildcard(value));
}

function isNarrow(value: string): boolean {
  const network = parseNetwork(value);
  return network !== undefined && network.bits >= NETWORK_BITS_MIN[network.family];
}
