/** What a policy says of a request: an explicit denial wins, then what is allowed, else nothing. */
import { conditionHolds, type ContextOf } from './condition.ts';
import type { Matcher, Policy, PrincipalPattern, Statement } from './policy.ts';
import { resolveVariables } from './variables.ts';
import { matchesWildcard, quoteWildcards } from './wildcard.ts';

export interface PolicyRequest {
  /** Undefined for a request that nobody signed. */
  readonly principal: { readonly account: string; readonly userName: string } | undefined;
  /** `s3:GetObject` */
  readonly action: string;
  /** `bucket` or `bucket/key`. */
  readonly resource: string;
  readonly context: ContextOf;
}

export type PolicyVerdict = 'allow' | 'deny' | 'silent';

export function evaluatePolicy(policy: Policy, request: PolicyRequest): PolicyVerdict {
  let verdict: PolicyVerdict = 'silent';
  for (const statement of policy.statements) {
    if (verdict === 'allow' && statement.effect === 'Allow') continue;
    if (!applies(statement, request)) continue;
    if (statement.effect === 'Deny') return 'deny';
    verdict = 'allow';
  }
  return verdict;
}

function applies(statement: Statement, request: PolicyRequest): boolean {
  const action = request.action.toLowerCase();
  return (
    fits(statement.actions, (pattern) => matchesWildcard(pattern, action)) &&
    fits(statement.principals, (pattern) => names(pattern, request.principal)) &&
    fits(statement.resources, (pattern) => matchesResource(pattern, request)) &&
    statement.conditions.every((condition) => conditionHolds(condition, request.context))
  );
}

function fits<Pattern>(matcher: Matcher<Pattern>, matches: (pattern: Pattern) => boolean): boolean {
  return matcher.patterns.some(matches) !== matcher.inverted;
}

function names(pattern: PrincipalPattern, principal: PolicyRequest['principal']): boolean {
  if (pattern.kind === 'everyone') return true;
  if (pattern.kind === 'nobody' || principal === undefined || pattern.account !== principal.account)
    return false;
  return pattern.kind === 'account' || pattern.name === principal.userName;
}

function matchesResource(pattern: string, { resource, context }: PolicyRequest): boolean {
  const resolved = resolveVariables(pattern, context, quoteWildcards);
  return resolved !== undefined && matchesWildcard(resolved, resource);
}
