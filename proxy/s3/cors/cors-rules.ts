/** Cross-origin rules of a bucket (Amazon S3 User Guide, "Using cross-origin resource sharing (CORS)"). Pure. */
import { HoldfastError } from '#common/errors.ts';

export const corsMethods = ['GET', 'PUT', 'POST', 'DELETE', 'HEAD'] as const;

export interface CorsRule {
  readonly id?: string;
  /** With at most one `*` each. */
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  /** In lower case, with at most one `*` each. */
  readonly headers: readonly string[];
  readonly exposed: readonly string[];
  readonly maxAgeSeconds?: number;
}

export interface CorsRequest {
  readonly origin: string;
  readonly method: string;
  /** Of a preflight, in lower case. */
  readonly headers: readonly string[];
}

/** The first rule that allows the request. */
export function matchingRule(rules: readonly CorsRule[], request: CorsRequest): CorsRule | undefined {
  return rules.find(
    (rule) =>
      rule.methods.includes(request.method) &&
      rule.origins.some((pattern) => fits(pattern, request.origin)) &&
      request.headers.every((header) => rule.headers.some((pattern) => fits(pattern, header))),
  );
}

function fits(pattern: string, text: string): boolean {
  const star = pattern.indexOf('*');
  if (star < 0) return pattern === text;
  const [head, tail] = [pattern.slice(0, star), pattern.slice(star + 1)];
  return text.length >= head.length + tail.length && text.startsWith(head) && text.endsWith(tail);
}

/** Names and values in turn, of the answer to a request that the rule allows. */
export function corsHeaders(rule: CorsRule, request: CorsRequest): string[] {
  const everyone = rule.origins.includes('*');
  const headers = ['Access-Control-Allow-Origin', everyone ? '*' : request.origin];
  headers.push('Access-Control-Allow-Methods', rule.methods.join(', '));
  if (!everyone) headers.push('Access-Control-Allow-Credentials', 'true');
  if (request.headers.length > 0) headers.push('Access-Control-Allow-Headers', request.headers.join(', '));
  if (rule.exposed.length > 0) headers.push('Access-Control-Expose-Headers', rule.exposed.join(', '));
  if (rule.maxAgeSeconds !== undefined) headers.push('Access-Control-Max-Age', String(rule.maxAgeSeconds));
  headers.push('Vary', 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method');
  return headers;
}

/** Throws `format-invalid`. */
export function parseStoredRules(text: string): readonly CorsRule[] {
  const rules: unknown = JSON.parse(text);
  if (!Array.isArray(rules) || !rules.every(isRule)) {
    throw new HoldfastError('format-invalid', 'stored CORS rules are malformed');
  }
  return rules;
}

function isRule(value: unknown): value is CorsRule {
  if (typeof value !== 'object' || value === null) return false;
  const { origins, methods, headers, exposed } = value as Readonly<Record<string, unknown>>;
  return [origins, methods, headers, exposed].every(
    (list) => Array.isArray(list) && list.every((each) => typeof each === 'string'),
  );
}
