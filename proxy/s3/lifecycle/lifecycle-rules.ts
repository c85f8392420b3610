/**
 * A bucket's lifecycle configuration: checked as S3 checks it, and kept as it came (Amazon S3 API Reference,
 * PutBucketLifecycleConfiguration). The rules are kept as a tree of elements, so that they come back as they were given.
 */
import { S3Error } from '../errors.ts';
import { childText, readXml, type XmlElement } from '../xml/reader.ts';
import { XmlWriter } from '../xml/writer.ts';

const RULES_MAX = 1000;
const ID_CHARACTERS_MAX = 255;
const DAY_MS = 86_400_000;
const DATE = /^\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?$/;
const rootElement = 'LifecycleConfiguration';

/** What may stand in a rule, and in each of those. */
const children: Readonly<Record<string, readonly string[]>> = {
  Rule: [
    ...['ID', 'Status', 'Prefix', 'Filter', 'Expiration', 'NoncurrentVersionExpiration'],
    'AbortIncompleteMultipartUpload',
  ],
  Filter: ['Prefix', 'Tag', 'And', 'ObjectSizeGreaterThan', 'ObjectSizeLessThan'],
  And: ['Prefix', 'Tag', 'ObjectSizeGreaterThan', 'ObjectSizeLessThan'],
  Tag: ['Key', 'Value'],
  Expiration: ['Days', 'Date', 'ExpiredObjectDeleteMarker'],
  NoncurrentVersionExpiration: ['NoncurrentDays', 'NewerNoncurrentVersions'],
  AbortIncompleteMultipartUpload: ['DaysAfterInitiation'],
};
const actions = ['Expiration', 'NoncurrentVersionExpiration', 'AbortIncompleteMultipartUpload'];
const periods: ReadonlySet<string> = new Set([
  ...['Days', 'NoncurrentDays', 'NewerNoncurrentVersions', 'DaysAfterInitiation'],
]);
const transitions: ReadonlySet<string> = new Set(['Transition', 'NoncurrentVersionTransition']);

export interface LifecycleElement {
  readonly name: string;
  readonly text?: string;
  readonly children?: readonly LifecycleElement[];
}

/** @param newId names a rule that comes without an id. */
export function parseLifecycle(body: Buffer, newId: () => string): readonly LifecycleElement[] {
  const root = readXml(body);
  const rules = root.children.filter(({ name }) => name === 'Rule');
  if (root.name !== rootElement || rules.length === 0 || rules.length > RULES_MAX)
    throw new S3Error('MalformedXML');
  const ids = new Set<string>();
  return rules.map((rule) => {
    checkRule(rule);
    const id = childText(rule, 'ID') ?? '';
    if (id.length > ID_CHARACTERS_MAX) throw invalid('ID length should not exceed allowed limit of 255');
    if (id !== '' && ids.has(id))
      throw invalid('Rule ID must be unique. Found same ID for more than one rule');
    ids.add(id);
    const kept = keep(rule);
    if (id !== '') return kept;
    const others = (kept.children ?? []).filter(({ name }) => name !== 'ID');
    return { name: 'Rule', children: [{ name: 'ID', text: newId() }, ...others] };
  });
}

function checkRule(rule: XmlElement): void {
  const status = childText(rule, 'Status')?.trim();
  if (status !== 'Enabled' && status !== 'Disabled') throw new S3Error('MalformedXML');
  const names = rule.children.map(({ name }) => name);
  if (names.some((name) => transitions.has(name)))
    throw invalid('There is no other storage class to move to.');
  if (names.includes('Prefix') && names.includes('Filter')) throw new S3Error('MalformedXML');
  if (!names.some((name) => actions.includes(name)))
    throw new S3Error('InvalidRequest', 'At least one action needs to be specified in a rule.');
}

function keep(element: XmlElement): LifecycleElement {
  const { name } = element;
  const allowed = children[name];
  if (allowed === undefined) {
    checkText(name, element.text.trim());
    return { name, text: element.text };
  }
  if (name === 'Expiration' && element.children.length !== 1) throw new S3Error('MalformedXML');
  for (const child of element.children) if (!allowed.includes(child.name)) throw new S3Error('MalformedXML');
  return { name, children: element.children.map(keep) };
}

function checkText(name: string, text: string): void {
  if (periods.has(name)) {
    if (!/^-?\d{1,9}$/.test(text)) throw new S3Error('MalformedXML');
    if (Number(text) < 1) throw invalid(`'${name}' for an action must be a positive integer`);
  }
  // What is no date has no remainder either.
  if (name === 'Date' && (!DATE.test(text) || Date.parse(text) % DAY_MS !== 0))
    throw invalid("'Date' must be at midnight GMT in ISO 8601 form");
  if (name === 'ExpiredObjectDeleteMarker' && text !== 'true' && text !== 'false')
    throw new S3Error('MalformedXML');
}

function invalid(message: string): S3Error {
  return new S3Error('InvalidArgument', message);
}

export function lifecycleXml(rules: readonly LifecycleElement[]): string {
  const xml = new XmlWriter(rootElement);
  for (const rule of rules) write(xml, rule);
  return xml.done();
}

function write(xml: XmlWriter, { name, text, children: within }: LifecycleElement): void {
  if (within === undefined) return void xml.element(name, text ?? '');
  xml.open(name);
  for (const child of within) write(xml, child);
  xml.close();
}
