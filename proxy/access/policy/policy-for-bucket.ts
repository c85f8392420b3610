/** What a policy must be, besides well-formed, to be one bucket's. */
import { parsePolicy } from './parse-policy.ts';
import { type Policy, PolicyError } from './policy.ts';
import { hasVariable } from './variables.ts';
import { matchesWildcard } from './wildcard.ts';

/** Throws PolicyError, also when a resource can only lie in another bucket. */
export function policyForBucket(text: string, bucket: string): Policy {
  const policy = parsePolicy(text);
  for (const { resources } of policy.statements) {
    for (const resource of resources.patterns) {
      const slash = resource.indexOf('/');
      const named = slash < 0 ? resource : resource.slice(0, slash);
      if (!hasVariable(named) && !matchesWildcard(named, bucket)) {
        throw new PolicyError('Policy has invalid resource');
      }
    }
  }
  return policy;
}
