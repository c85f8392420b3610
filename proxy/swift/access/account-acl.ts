/**
 * The access list of an account, `X-Account-Access-Control`: a JSON object of lists of users and accounts under `admin`,
 * `read-write` and `read-only` (Object Storage API guide, "Account ACLs").
 */
import { SwiftError } from '../errors.ts';

const LEVELS = ['admin', 'read-only', 'read-write'] as const;
type Level = (typeof LEVELS)[number];

export type AccountAcl = Readonly<Record<Level, readonly string[]>>;

/** The list in its normal form, ASCII only; '' for an empty one. Throws 400. */
export function normalizeAccountAcl(value: string): string {
  if (value === '') return '';
  const problem = problemOf(parsed(value));
  if (problem !== undefined) {
    throw new SwiftError(400, `X-Account-Access-Control invalid: ${problem}\n\nInput: ${value}\n`, {
      contentType: 'text/plain; charset=UTF-8',
    });
  }
  const fields = parsed(value) as Record<string, unknown>;
  const sorted = Object.fromEntries(
    Object.keys(fields)
      .sort()
      .map((key) => [key, fields[key]]),
  );
  if (Object.keys(sorted).length === 0) return '';
  return JSON.stringify(sorted).replace(
    /[\u0080-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function problemOf(fields: unknown): string | undefined {
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) return 'Syntax error in input';
  for (const [key, members] of Object.entries(fields)) {
    if (!(LEVELS as readonly string[]).includes(key)) return `Key ${JSON.stringify(key)} not recognized`;
    if (!Array.isArray(members)) return `Value for key ${JSON.stringify(key)} must be a list`;
    for (const member of members as unknown[]) {
      if (typeof member !== 'string') return `Elements of ${JSON.stringify(key)} list must be strings`;
    }
  }
  return undefined;
}

function parsed(value: string): unknown {
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return undefined;
  }
}

/** What is stored is in normal form: '' or undefined for none. */
export function parseAccountAcl(value: string | undefined): AccountAcl | undefined {
  if (value === undefined || value === '') return undefined;
  const fields = JSON.parse(value) as Partial<Record<Level, readonly string[]>>;
  return {
    admin: fields.admin ?? [],
    'read-only': fields['read-only'] ?? [],
    'read-write': fields['read-write'] ?? [],
  };
}
