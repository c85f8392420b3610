/** What a token says: who bears it, where it is good, with which roles, until when (Identity API v3, "Authentication"). */

export interface Named {
  readonly id: string;
  readonly name: string;
}

export interface TokenUser extends Named {
  readonly domain: Named;
}

export type TokenScope =
  | { readonly kind: 'unscoped' }
  | { readonly kind: 'system' }
  | { readonly kind: 'domain'; readonly domain: Named }
  | { readonly kind: 'project'; readonly project: Named & { readonly domain: Named } };

/** How the bearer proved who it is; the order is that of the bits in a token and must not change. */
export const tokenMethods = ['password', 'token', 'application_credential', 'ec2credential'] as const;
export type TokenMethod = (typeof tokenMethods)[number];

/** One request that an application credential may make. `path` may hold `*`, `**` and `{name}` as Keystone has them. */
export interface AccessRule {
  readonly id: string;
  /** A service's type, such as `object-store`. */
  readonly service: string;
  readonly method: string;
  readonly path: string;
}

export interface TokenApplicationCredential {
  readonly id: string;
  /** A restricted one makes no other credentials and no other tokens. */
  readonly isRestricted: boolean;
  /** What it may be used for; everything when undefined. */
  readonly accessRules: readonly AccessRule[] | undefined;
}

export interface TokenStatement {
  readonly user: TokenUser;
  readonly scope: TokenScope;
  readonly roles: readonly Named[];
  readonly methods: readonly TokenMethod[];
  /** 16 bytes, base64url: this token. */
  readonly auditId: string;
  /** The first token of the chain that it was made from; its own audit id when it was made from none. */
  readonly auditChainId: string;
  readonly applicationCredential: TokenApplicationCredential | undefined;
  /** Milliseconds since 1970. */
  readonly issuedMs: number;
  /** Exclusive. */
  readonly expiresMs: number;
}

export function projectIdOf({ scope }: Pick<TokenStatement, 'scope'>): string | undefined {
  return scope.kind === 'project' ? scope.project.id : undefined;
}
