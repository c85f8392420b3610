/** One operation of an API: where it is, who may do it, what it does. */
import type { TokenStatement } from '../protocol/token-statement.ts';
import type { PolicyTarget } from '../policy/rules.ts';
import type { Operation } from '../policy/policy.ts';
import { badRequest, unauthorized } from '../identity/api-error.ts';
import type { Identity } from '../identity/identity.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A request as an operation sees it: its head checked, its body parsed and of the route's schema. */
export interface Call {
  readonly params: Readonly<Record<string, string>>;
  /** The first value of a name that is given several times. */
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The address that the request came from. */
  readonly remote: string;
  /** Whose token came with it; undefined on a public route without one. */
  readonly bearer: TokenStatement | undefined;
  /** Where this API is for whoever asks, such as `http://127.0.0.1:5000/identity/v3`. */
  readonly base: string;
}

export interface Answer {
  /** 200 when left out. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON; none when left out. */
  readonly body?: object;
  /** In place of a body that is JSON. */
  readonly text?: { readonly type: string; readonly content: string };
}

export interface Route {
  readonly method: Method;
  /** Below the API's root, with `:names`. */
  readonly path: string;
  /** A line of the policy; `public` needs no token. */
  readonly operation: Operation | 'public';
  /** JSON schema of the body. */
  readonly body?: object;
  /** Not to be done with an application credential that is restricted, nor with a token from EC2 keys. */
  readonly isDelegable?: false;
  /** What the policy has to know of the target; what there is not is left out. */
  readonly target?: (identity: Identity, call: Call) => PolicyTarget | Promise<PolicyTarget>;
  readonly handle: (identity: Identity, call: Call) => Answer | Promise<Answer>;
}

/** Of a route that is not public. */
export function bearerOf({ bearer }: Call): TokenStatement {
  if (bearer === undefined) throw unauthorized();
  return bearer;
}

export function param({ params }: Call, name: string): string {
  const value = params[name];
  if (value === undefined) throw badRequest(`${name} is missing.`);
  return value;
}

/** `?flag`, `?flag=true` and `?flag=1` are true, as Keystone has it. */
export function isFlagged({ query }: Call, name: string): boolean {
  const value = query[name];
  return value !== undefined && !['false', '0', 'no'].includes(value.toLowerCase());
}
