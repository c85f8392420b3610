/** What a list may show: to whoever holds a token for a domain, that domain's own; to others all that they ask for. */
import { type Call, bearerOf } from '../../api/route.ts';
import type { PolicyTarget } from '../../policy/rules.ts';

export interface Visible extends PolicyTarget {
  /** Undefined: all domains. */
  readonly domainIds?: readonly string[];
}

export function visibleDomains(call: Call): Visible {
  const { scope } = bearerOf(call);
  const asked = call.query['domain_id'];
  if (asked !== undefined) return { domainIds: [asked] };
  return scope.kind === 'domain' ? { domainIds: [scope.domain.id] } : {};
}

export function withinVisible<Value extends { readonly domain_id: string }>(
  call: Call,
  values: readonly Value[],
): Value[] {
  const { domainIds } = visibleDomains(call);
  return values.filter(({ domain_id }) => domainIds === undefined || domainIds.includes(domain_id));
}

/** The domain that a new project, user or group is made in: the one that is named, else the token's own. */
export function domainFor(call: Call, named: unknown): string {
  if (typeof named === 'string') return named;
  const { scope } = bearerOf(call);
  if (scope.kind === 'domain') return scope.domain.id;
  return scope.kind === 'project' ? scope.project.domain.id : 'default';
}
