/**
 * The rules a configuration file is checked by. A rule takes a node of the YAML document and gives its value, or notes
 * what it expected, what it found and where; checking goes on, so that one run tells every mistake.
 */
import { isMap, isScalar, isSeq, type Node } from 'yaml';
import type { Problems } from './problems.ts';
import { nearest } from './suggestion.ts';

export interface Rule<Value> {
  /** Completes the sentence "expected …". */
  readonly expected: string;
  /** Undefined when a problem was noted. */
  check(node: Node | null, path: string, problems: Problems): Value | undefined;
}

/** A setting: its rule, what it is for, and the value it has when it is left out. */
export interface Field<Value> {
  readonly rule: Rule<Value>;
  readonly about: string;
  readonly required: boolean;
  readonly fallback: Value | undefined;
  /** The settings within, when the field is a section. */
  readonly section?: Fields;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;
export type ValueOf<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends Field<infer Value> ? Value : never;
};

export function required<Value>(rule: Rule<Value>, about: string): Field<Value> {
  return { rule, about, required: true, fallback: undefined };
}

export function defaultTo<Value>(fallback: Value, rule: Rule<Value>, about: string): Field<Value> {
  return { rule, about, required: false, fallback };
}

export function optional<Value>(rule: Rule<Value>, about: string): Field<Value | undefined> {
  return { rule, about, required: false, fallback: undefined };
}

/** A section that may be left out when all of its settings may. */
export function section<F extends Fields>(fields: F, about: string): Field<ValueOf<F>> {
  const anyRequired = Object.values(fields).some((field) => field.required);
  const rule = mapping(fields);
  return {
    rule,
    about,
    required: anyRequired,
    fallback: anyRequired ? undefined : fallbacks(fields),
    section: fields,
  };
}

/** A section that stands for something only when it is named. */
export function optionalSection<F extends Fields>(fields: F, about: string): Field<ValueOf<F> | undefined> {
  return { rule: mapping(fields), about, required: false, fallback: undefined, section: fields };
}

export function fallbacks<F extends Fields>(fields: F): ValueOf<F> {
  const values = Object.entries(fields).map(([name, field]) => [name, field.fallback]);
  return Object.fromEntries(values) as ValueOf<F>;
}

/** A YAML mapping with these keys and no others; a section that is named but empty stands for its defaults. */
export function mapping<F extends Fields>(fields: F): Rule<ValueOf<F>> {
  const expected = `a section with ${Object.keys(fields).join(', ')}`;
  return {
    expected,
    check(node, path, problems) {
      const empty = node === null || (isScalar(node) && node.value === null);
      if (!empty && !isMap(node)) {
        problems.expected(node, path, expected, node);
        return undefined;
      }
      const given = new Map<string, Node | null>();
      for (const pair of isMap(node) ? node.items : []) {
        const key = problems.resolve(pair.key);
        const name = isScalar(key) ? String(key.value) : '';
        if (Object.hasOwn(fields, name)) given.set(name, problems.resolve(pair.value) ?? key);
        else problems.add(key ?? node, unknownKey(path, name, Object.keys(fields)));
      }
      return checkFields(fields, given, node, path, problems);
    },
  };
}

function checkFields<F extends Fields>(
  fields: F,
  given: ReadonlyMap<string, Node | null>,
  at: Node | null,
  path: string,
  problems: Problems,
): ValueOf<F> | undefined {
  let complete = true;
  const values: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    const child = given.get(name);
    if (child !== undefined) {
      values[name] = field.rule.check(child, join(path, name), problems);
      if (values[name] === undefined) complete = false;
    } else if (field.required) {
      problems.add(at, `${join(path, name)} is missing: expected ${field.rule.expected}`);
      complete = false;
    } else values[name] = field.fallback;
  }
  return complete ? (values as ValueOf<F>) : undefined;
}

export function list<Value>(of: Rule<Value>, countMax: number): Rule<readonly Value[]> {
  const expected = `a list of at most ${countMax}, each ${of.expected}`;
  return {
    expected,
    check(node, path, problems) {
      if (!isSeq(node) || node.items.length > countMax) {
        problems.expected(node, path, expected, node);
        return undefined;
      }
      const values = node.items.map((item, index) =>
        of.check(problems.resolve(item), `${path}[${index}]`, problems),
      );
      return values.some((value) => value === undefined) ? undefined : (values as Value[]);
    },
  };
}

/** A single value: `read` gives undefined for what it does not take. */
export function scalar<Value>(expected: string, read: (value: unknown) => Value | undefined): Rule<Value> {
  return {
    expected,
    check(node, path, problems) {
      const value = isScalar(node) ? read(node.value) : undefined;
      if (value === undefined) problems.expected(node, path, expected, node);
      return value;
    },
  };
}

function unknownKey(path: string, name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  const hint =
    near === undefined ? `the settings here are ${known.join(', ')}` : `did you mean ${join(path, near)}?`;
  return `${join(path, name)} is not a setting; ${hint}`;
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
