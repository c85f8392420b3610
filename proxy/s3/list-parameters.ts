/** Parameters that the listings share. */
import { invalidArgument } from './errors.ts';
import type { Query } from './query.ts';

export const ENTRIES_MAX = 1000;
/** Twice a key's length: any text that can matter, and with what is added to it still a record's name. */
export const TEXT_BYTES_MAX = 2048;

/** 0 … 1,000; what is above is answered as 1,000, as S3 does. */
export function countParameter(query: Query, name: string, most: number = ENTRIES_MAX): number {
  const text = query.get(name);
  if (text === undefined || text === '') return most;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 2 ** 31 - 1) {
    throw invalidArgument(`Argument ${name} must be an integer between 0 and 2147483647`, name, text);
  }
  return Math.min(value, most);
}

/** A prefix, delimiter or marker: '' when left out. */
export function textParameter(query: Query, name: string): string {
  const text = query.get(name) ?? '';
  if (text.length > TEXT_BYTES_MAX || Buffer.byteLength(text) > TEXT_BYTES_MAX) {
    throw invalidArgument(`${name} is too long`, name, text);
  }
  return text;
}

export type NameEncoder = (name: string) => string;

/** How names are written: as they are, or percent-encoded when `encoding-type=url` asks for it. */
export function nameEncoder(query: Query): NameEncoder {
  const type = query.get('encoding-type');
  if (type === undefined || type === '') return (name) => name;
  if (type !== 'url')
    throw invalidArgument('Invalid Encoding Method specified in Request', 'encoding-type', type);
  return encodeName;
}

/** A space becomes %20 and not a plus sign: every decoder reads that rightly. */
export function encodeName(name: string): string {
  return encodeURIComponent(name)
    .replaceAll('%2F', '/')
    .replace(/[!'()]/g, percent);
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}
