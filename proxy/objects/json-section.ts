/** JSON that was stored: whatever it holds, a reader gets the types that it asks for or `format-invalid`. */
import { HoldfastError } from '#common/errors.ts';

export type JsonFields = Readonly<Record<string, unknown>>;

function invalid(detail: string): HoldfastError {
  return new HoldfastError('format-invalid', detail);
}

export function parseJsonSection(bytes: Buffer): JsonFields {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new HoldfastError('format-invalid', 'a stored section is not JSON', { cause: error });
  }
  return asFields(value);
}

/** One version byte, 1, then JSON up to the end. */
export function parseVersionedJson(bytes: Buffer): JsonFields {
  if (bytes[0] !== 1) throw invalid(`version ${bytes[0]} is unknown`);
  return parseJsonSection(bytes.subarray(1));
}

export function encodeVersionedJson(value: object): Buffer {
  return Buffer.from(`\u0001${JSON.stringify(value)}`);
}

export function asFields(value: unknown): JsonFields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('not a JSON object');
  return value as JsonFields;
}

export function stringField(fields: JsonFields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw invalid(`${name} is not a string`);
  return value;
}

/** A non-negative integer below 2^53. */
export function integerField(fields: JsonFields, name: string): number {
  const value = fields[name];
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw invalid(`${name} is not an integer`);
  return value as number;
}

export function stringsField(fields: JsonFields, name: string): Readonly<Record<string, string>> {
  const value = asFields(fields[name]);
  for (const key in value)
    if (typeof value[key] !== 'string') throw invalid(`${name} holds something else than strings`);
  return value as Readonly<Record<string, string>>;
}
