/** What the JSON of a policy is taken apart with. Everything throws PolicyError. */
import { PolicyError } from './policy.ts';

const VALUES_MAX = 1024;

export type Fields = Readonly<Record<string, unknown>>;

/** A single value stands for a list of one. */
export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [value];
}

export function asFields(value: unknown, otherwise: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new PolicyError(otherwise);
  return value as Fields;
}

/** A text or a list of them, not empty. */
export function texts(value: unknown, otherwise: string): string[] {
  const values = asList(value);
  if (values.length === 0 || values.length > VALUES_MAX) throw new PolicyError(otherwise);
  return values.map((each) => {
    if (typeof each !== 'string') throw new PolicyError(otherwise);
    return each;
  });
}
