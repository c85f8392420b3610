/**
 * Conditions of a statement: an operator, a key of the request's context, and the values that it is compared with
 * (AWS IAM User Guide, "IAM JSON policy elements: Condition operators").
 */
import { type Comparison, comparisons } from './comparisons.ts';
import { PolicyError } from './policy.ts';
import { quoteWildcards } from './wildcard.ts';
import { hasVariable, resolveVariables } from './variables.ts';

/** The values of a key of the request, by lower-case name; undefined when the request does not have it. */
export type ContextOf = (key: string) => readonly string[] | undefined;

export interface Condition {
  readonly operator: string;
  /** In lower case. What follows the slash of a tag's key keeps its case. */
  readonly key: string;
  readonly values: readonly string[];
  readonly quantifier: 'all' | 'any' | undefined;
  readonly ifExists: boolean;
}

const QUANTIFIERS: Readonly<Record<string, 'all' | 'any'>> = { forallvalues: 'all', foranyvalue: 'any' };
const IF_EXISTS = 'ifexists';

/** Throws PolicyError. @param values as the document has them, texts by now. */
export function parseCondition(named: string, key: string, values: readonly string[]): Condition {
  let operator = named.toLowerCase();
  let quantifier: Condition['quantifier'];
  const colon = operator.indexOf(':');
  if (colon >= 0) {
    quantifier = QUANTIFIERS[operator.slice(0, colon)];
    if (quantifier === undefined) throw new PolicyError(`Invalid Condition type : ${named}`);
    operator = operator.slice(colon + 1);
  }
  const ifExists = operator.endsWith(IF_EXISTS);
  if (ifExists) operator = operator.slice(0, -IF_EXISTS.length);
  if (operator === 'null' ? ifExists : comparisonOf(operator) === undefined) {
    throw new PolicyError(`Invalid Condition type : ${named}`);
  }
  const comparison = comparisonOf(operator);
  for (const value of values) {
    if (hasVariable(value)) continue;
    const fits = operator === 'null' ? /^(?:true|false)$/i.test(value) : comparison?.accepts(value);
    if (fits !== true) throw new PolicyError('Conditions do not apply to combination of operator and value');
  }
  return { operator, key: lowerKey(key), values, quantifier, ifExists };
}

function comparisonOf(operator: string): Comparison | undefined {
  return Object.hasOwn(comparisons, operator) ? comparisons[operator] : undefined;
}

/** Names of keys have no case; the names of tags, which follow a slash, do. */
export function lowerKey(key: string): string {
  const slash = key.indexOf('/');
  return slash < 0 ? key.toLowerCase() : key.slice(0, slash).toLowerCase() + key.slice(slash);
}

export function conditionHolds(condition: Condition, context: ContextOf): boolean {
  const found = context(condition.key);
  const { operator, quantifier } = condition;
  if (operator === 'null') {
    const absent = found === undefined || found.length === 0;
    return condition.values.some((value) => (value.toLowerCase() === 'true') === absent);
  }
  const comparison = comparisonOf(operator);
  if (comparison === undefined) return false;
  if (found === undefined || found.length === 0) {
    // ForAllValues is true of nothing; what says "not" is true of what is not there.
    return condition.ifExists || quantifier === 'all' || (comparison.negated && quantifier === undefined);
  }
  const wanted = condition.values.map((value) =>
    resolveVariables(value, context, comparison.patterns ? quoteWildcards : undefined),
  );
  const fits = (value: string) => {
    const equal = wanted.some((other) => other !== undefined && comparison.compare(value, other));
    return equal !== comparison.negated;
  };
  if (quantifier === 'any') return found.some(fits);
  return found.every(fits);
}
