/**
 * The policy of a form: until when it holds, and what its fields must be (Amazon S3 API Reference, "Creating an HTML Form",
 * "POST Policy"). Pure.
 */
import { S3Error } from '../errors.ts';

export interface FormPolicy {
  readonly expiresMs: number;
  readonly conditions: readonly FieldCondition[];
  /** Of the file's length, both ends included. */
  readonly lengthBytes: { readonly min: number; readonly max: number } | undefined;
}

export interface FieldCondition {
  readonly operator: 'eq' | 'starts-with';
  /** In lower case, without the dollar sign. */
  readonly field: string;
  readonly value: string;
}

const POLICY_CHARACTERS_MAX = 20 * 1024;
const CONDITIONS_MAX = 256;
const ISO_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z$/;
/** What a form may hold without its policy saying so. */
const UNCHECKED: ReadonlySet<string> = new Set([
  ...['awsaccesskeyid', 'signature', 'policy', 'file', 'x-amz-signature', 'submit'],
]);

/** @param encoded as the form has it, base64. Throws InvalidPolicyDocument. */
export function parseFormPolicy(encoded: string): FormPolicy {
  if (encoded.length > POLICY_CHARACTERS_MAX) throw invalid('too long.');
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8'));
  } catch (cause) {
    throw invalid('Invalid JSON.', cause);
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    throw invalid('Invalid JSON.');
  }
  const { expiration, conditions } = document as Readonly<Record<string, unknown>>;
  if (typeof expiration !== 'string') throw invalid('Policy missing expiration.');
  const expiresMs = ISO_TIME.test(expiration) ? Date.parse(expiration) : Number.NaN;
  if (Number.isNaN(expiresMs)) throw invalid(`Invalid 'expiration' value: '${expiration.slice(0, 64)}'`);
  if (!Array.isArray(conditions)) throw invalid('Policy missing conditions.');
  if (conditions.length > CONDITIONS_MAX) throw invalid('too many conditions.');
  return { expiresMs, ...parseConditions(conditions as readonly unknown[]) };
}

function parseConditions(listed: readonly unknown[]): Omit<FormPolicy, 'expiresMs'> {
  const conditions: FieldCondition[] = [];
  let lengthBytes: FormPolicy['lengthBytes'];
  for (const each of listed) {
    if (Array.isArray(each)) {
      const [operator, first, second] = each as readonly unknown[];
      if (each.length !== 3) throw invalid('Invalid condition: wrong number of arguments.');
      if (operator === 'content-length-range') lengthBytes = parseLengths(first, second);
      else conditions.push(parseComparison(operator, first, second));
    } else {
      conditions.push(...parseEqualities(each));
    }
  }
  return { conditions, lengthBytes };
}

function parseEqualities(value: unknown): FieldCondition[] {
  if (typeof value !== 'object' || value === null) throw invalid('Invalid Simple-Condition.');
  const entries = Object.entries(value);
  if (entries.length === 0) throw invalid('Invalid Simple-Condition: empty.');
  return entries.map(([field, wanted]) => {
    if (typeof wanted !== 'string') throw invalid('Invalid Simple-Condition: value must be a string.');
    return { operator: 'eq', field: field.toLowerCase(), value: wanted };
  });
}

function parseComparison(operator: unknown, field: unknown, value: unknown): FieldCondition {
  if (operator !== 'eq' && operator !== 'starts-with') throw invalid('Invalid condition: unknown operation.');
  if (typeof field !== 'string' || !field.startsWith('$') || typeof value !== 'string') {
    throw invalid('Invalid condition: a field begins with a dollar sign, and its value is a string.');
  }
  return { operator, field: field.slice(1).toLowerCase(), value };
}

function parseLengths(least: unknown, most: unknown): { min: number; max: number } {
  const min = lengthOf(least);
  const max = lengthOf(most);
  if (min === undefined || max === undefined || min > max) throw invalid('Invalid content-length-range.');
  return { min, max };
}

function lengthOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

/**
 * Throws AccessDenied when the policy has run out, a condition fails, or a field is not covered by any.
 * @param fields by lower-case name, with `bucket` among them.
 */
export function checkForm(policy: FormPolicy, fields: ReadonlyMap<string, string>, nowMs: number): void {
  if (nowMs > policy.expiresMs) throw denied('Policy expired.');
  const covered = new Set<string>();
  for (const { operator, field, value } of policy.conditions) {
    covered.add(field);
    const given = fields.get(field) ?? '';
    const holds = operator === 'eq' ? given === value : startsWith(field, given, value);
    if (!holds)
      throw denied(`Policy Condition failed: ["${operator}", "$${field}", "${value.slice(0, 256)}"]`);
  }
  for (const field of fields.keys()) {
    if (UNCHECKED.has(field) || field === 'bucket' || field.startsWith('x-ignore-')) continue;
    if (!covered.has(field)) throw denied(`Extra input fields: ${field.slice(0, 128)}`);
  }
}

/** A list of content types must begin so in each of its parts. */
function startsWith(field: string, given: string, value: string): boolean {
  if (field !== 'content-type') return given.startsWith(value);
  return given.split(',').every((type) => type.trim().startsWith(value));
}

function invalid(what: string, cause?: unknown): S3Error {
  return new S3Error('InvalidPolicyDocument', `Invalid Policy: ${what}`, { cause });
}

function denied(what: string): S3Error {
  return new S3Error('AccessDenied', `Invalid according to Policy: ${what}`);
}
