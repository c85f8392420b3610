/** A bucket's lifecycle rules, as they are carried out: docs/formats/lifecycle-record.md. Pure. */
import { HoldfastError } from '#common/errors.ts';
import { asFields } from '#proxy/objects/json-section.ts';
import type { TagSet } from '#proxy/objects/tag-set.ts';

export interface LifecycleFilter {
  readonly prefix: string;
  readonly tags: TagSet;
  readonly sizeOver: number | undefined;
  readonly sizeUnder: number | undefined;
}

export interface LifecycleRule {
  readonly id: string;
  readonly filter: LifecycleFilter;
  readonly expirationDays?: number;
  /** Milliseconds since 1970. */
  readonly expirationDateMs?: number;
  readonly expiredDeleteMarkers: boolean;
  readonly noncurrentDays?: number;
  readonly newerNoncurrentVersions: number;
  readonly abortDays?: number;
}

interface Element {
  readonly name: string;
  readonly text: string;
  readonly children: readonly Element[];
}

/** @param document as the bucket holds it. Gives the enabled rules. Throws `format-invalid`. */
export function readLifecycle(document: string): LifecycleRule[] {
  const rules: unknown = JSON.parse(document);
  if (!Array.isArray(rules)) throw new HoldfastError('format-invalid', 'lifecycle rules that are no list');
  return rules
    .map(elementOf)
    .filter((rule) => textAt(rule, 'Status')?.trim() === 'Enabled')
    .map(ruleOf);
}

function elementOf(value: unknown): Element {
  const { name, text, children } = asFields(value);
  if (typeof name !== 'string') throw new HoldfastError('format-invalid', 'a lifecycle element without name');
  return {
    name,
    text: typeof text === 'string' ? text : '',
    children: Array.isArray(children) ? children.map(elementOf) : [],
  };
}

function ruleOf(rule: Element): LifecycleRule {
  const expirationDays = numberAt(rule, 'Expiration', 'Days');
  const date = textAt(rule, 'Expiration', 'Date');
  const noncurrentDays = numberAt(rule, 'NoncurrentVersionExpiration', 'NoncurrentDays');
  const abortDays = numberAt(rule, 'AbortIncompleteMultipartUpload', 'DaysAfterInitiation');
  return {
    id: textAt(rule, 'ID') ?? '',
    filter: filterOf(rule),
    ...(expirationDays === undefined ? undefined : { expirationDays }),
    ...(date === undefined ? undefined : { expirationDateMs: Date.parse(date.trim()) }),
    expiredDeleteMarkers: textAt(rule, 'Expiration', 'ExpiredObjectDeleteMarker')?.trim() === 'true',
    ...(noncurrentDays === undefined ? undefined : { noncurrentDays }),
    newerNoncurrentVersions: numberAt(rule, 'NoncurrentVersionExpiration', 'NewerNoncurrentVersions') ?? 0,
    ...(abortDays === undefined ? undefined : { abortDays }),
  };
}

/** Conditions stand in the rule, in its Filter, or in the Filter's And; all of them must hold. */
function filterOf(rule: Element): LifecycleFilter {
  const filters = rule.children.filter(({ name }) => name === 'Filter').flatMap(({ children }) => children);
  const conditions = [
    ...rule.children.filter(({ name }) => name === 'Prefix'),
    ...filters.flatMap((each) => (each.name === 'And' ? each.children : [each])),
  ];
  const of = (wanted: string) => conditions.find(({ name }) => name === wanted);
  const tags = conditions
    .filter(({ name }) => name === 'Tag')
    .map((tag) => [textAt(tag, 'Key') ?? '', textAt(tag, 'Value') ?? ''] as const);
  const size = (name: string) => {
    const text = of(name)?.text;
    return text === undefined ? undefined : Number(text);
  };
  return {
    prefix: of('Prefix')?.text ?? '',
    tags,
    sizeOver: size('ObjectSizeGreaterThan'),
    sizeUnder: size('ObjectSizeLessThan'),
  };
}

function textAt(element: Element, ...path: readonly string[]): string | undefined {
  let at: Element | undefined = element;
  for (const wanted of path) at = at?.children.find(({ name }) => name === wanted);
  return at?.text;
}

function numberAt(element: Element, ...path: readonly string[]): number | undefined {
  const text = textAt(element, ...path);
  return text === undefined ? undefined : Number(text.trim());
}
