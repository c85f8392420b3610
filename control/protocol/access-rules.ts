/** Whether the rules of an application credential permit a request (Identity API v3, "Access rules"). */
import type { AccessRule } from './token-statement.ts';

export interface RuledRequest {
  /** The type of the service that is asked. */
  readonly service: string;
  readonly method: string;
  /** Without its query. */
  readonly path: string;
}

export function isPermitted(rules: readonly AccessRule[], { service, method, path }: RuledRequest): boolean {
  return rules.some(
    (rule) =>
      rule.service === service && rule.method === method && isMatch(rule.path.split('/'), path.split('/')),
  );
}

/** `*` and `{name}` stand for one segment, `**` for any number of them. */
function isMatch(pattern: readonly string[], path: readonly string[]): boolean {
  for (const [at, wanted] of pattern.entries()) {
    // What comes behind `**` may begin at any place: a pattern is short (accessRulesMax, and 128 characters).
    if (wanted === '**') {
      const rest = pattern.slice(at + 1);
      return (
        rest.length === 0 || path.slice(at).some((_, skipped) => isMatch(rest, path.slice(at + skipped)))
      );
    }
    const given = path[at];
    if (given === undefined) return false;
    const isAny = wanted === '*' || /^\{[^{}]*\}$/.test(wanted);
    if (isAny ? given === '' : wanted !== given) return false;
  }
  return pattern.length === path.length;
}
