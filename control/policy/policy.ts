/** The one table of who may do what: every API asks it, docs/policy.md is written from it. */
import type { TokenStatement } from '../protocol/token-statement.ts';
import { cloudPolicy } from './cloud-policy.ts';
import { identityPolicy } from './identity-policy.ts';
import { type Allowance, isAllowed, type PolicyTarget } from './rules.ts';

export const policy = { ...identityPolicy, ...cloudPolicy } as const satisfies Readonly<
  Record<string, readonly Allowance[]>
>;

export type Operation = keyof typeof policy;

export function mayDo(operation: Operation, bearer: TokenStatement, target: PolicyTarget = {}): boolean {
  return isAllowed(policy[operation], bearer, target);
}
