/** `${aws:username}` in a resource or a condition (AWS IAM User Guide, "IAM policy elements: Variables and tags"). */
import type { ContextOf } from './condition.ts';

const VARIABLE = /\$\{([^}]{1,256})\}/g;
/** How the three characters that patterns treat otherwise are written as themselves. */
const LITERALS: Readonly<Record<string, string>> = { '*': '*', '?': '?', $: '$' };

export function hasVariable(text: string): boolean {
  return text.includes('${');
}

/**
 * Undefined when a variable has no value for this request: the pattern then fits nothing.
 * @param quote makes a value stand for itself where the text is a pattern.
 */
export function resolveVariables(
  text: string,
  context: ContextOf,
  quote: (value: string) => string = (value) => value,
): string | undefined {
  if (!hasVariable(text)) return text;
  let complete = true;
  const resolved = text.replace(VARIABLE, (_whole, inner: string) => {
    const literal = Object.hasOwn(LITERALS, inner) ? LITERALS[inner] : undefined;
    if (literal !== undefined) return quote(literal);
    const comma = inner.indexOf(',');
    const name = (comma < 0 ? inner : inner.slice(0, comma)).trim().toLowerCase();
    const value = context(name)?.[0] ?? defaultOf(comma < 0 ? undefined : inner.slice(comma + 1));
    if (value === undefined) complete = false;
    return quote(value ?? '');
  });
  return complete ? resolved : undefined;
}

function defaultOf(text: string | undefined): string | undefined {
  return /^\s*'([^']*)'\s*$/.exec(text ?? '')?.[1];
}
