/** A bucket policy, once parsed (AWS IAM User Guide, "IAM JSON policy elements reference"). */
import type { Condition } from './condition.ts';

/** Whom a statement is about. */
export type PrincipalPattern =
  | { readonly kind: 'everyone' }
  /** Every user of the account. */
  | { readonly kind: 'account'; readonly account: string }
  | { readonly kind: 'user'; readonly account: string; readonly name: string }
  /** A kind of principal that does not exist here: services, federations, roles. */
  | { readonly kind: 'nobody' };

export interface Matcher<Pattern> {
  readonly patterns: readonly Pattern[];
  /** True for NotPrincipal, NotAction and NotResource. */
  readonly inverted: boolean;
}

export interface Statement {
  readonly sid: string | undefined;
  readonly effect: 'Allow' | 'Deny';
  readonly principals: Matcher<PrincipalPattern>;
  /** In lower case, with wildcards. */
  readonly actions: Matcher<string>;
  /** What follows `arn:aws:s3:::`, with wildcards and variables. */
  readonly resources: Matcher<string>;
  readonly conditions: readonly Condition[];
}

export interface Policy {
  readonly statements: readonly Statement[];
  readonly isPublic: boolean;
}

/** What makes a document no policy; the text is for its author. */
export class PolicyError extends Error {}
