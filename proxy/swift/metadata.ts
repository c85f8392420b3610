/** Metadata of accounts and containers: read from a request's headers, checked, merged, and written back as headers. */
import type { IncomingHttpHeaders } from 'node:http';
import { badRequest } from './errors.ts';
import { swiftLimits } from './limits.ts';
import { utf8Of } from './query.ts';
import type { FlatHeaders } from './reply.ts';

type Entries = Readonly<Record<string, string>>;

/** What a request changes; '' removes an entry. */
export interface MetadataChange {
  readonly metadata: Entries;
  readonly settings: Entries;
}

/**
 * Reads `X-Account-Meta-*` or `X-Container-Meta-*`, and of the other headers of the resource those that `settings` names;
 * `X-Remove-*` removes. Throws 400 for what is beyond the limits.
 */
export function readMetadataChange(
  headers: IncomingHttpHeaders,
  resource: 'account' | 'container',
  settings: readonly string[],
): MetadataChange {
  const prefix = `x-${resource}-meta-`;
  const removal = `x-remove-${resource}-meta-`;
  const metadata: Record<string, string> = {};
  for (const name in headers) {
    const value = textOf(headers[name]);
    if (value.length > swiftLimits.max_header_size) {
      throw badRequest(`Header value too long: ${name.slice(0, swiftLimits.max_meta_name_length)}`);
    }
    if (name.startsWith(removal)) metadata[checkedName(name.slice(removal.length), prefix)] ??= '';
    if (name.startsWith(prefix)) metadata[checkedName(name.slice(prefix.length), prefix)] = value;
  }
  checkLimits(metadata, prefix);
  const changed: Record<string, string> = {};
  for (const setting of settings) {
    if (headers[`x-remove-${resource}-${setting}`] !== undefined) changed[setting] = '';
    const value = headers[`x-${resource}-${setting}`];
    if (value !== undefined) changed[setting] = textOf(value);
  }
  return { metadata, settings: changed };
}

function textOf(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(', ') : (value ?? '');
}

function checkedName(name: string, prefix: string): string {
  if (name === '') throw badRequest('Metadata name cannot be empty');
  if (name.length > swiftLimits.max_meta_name_length)
    throw badRequest(`Metadata name too long: ${prefix}${name}`);
  return name;
}

function checkLimits(metadata: Entries, prefix: string): void {
  for (const [name, value] of Object.entries(metadata)) {
    if (utf8Of(value) === undefined) throw badRequest('Metadata must be valid UTF-8');
    if (value.length > swiftLimits.max_meta_value_length) {
      const most = swiftLimits.max_meta_value_length;
      throw badRequest(`Metadata value longer than ${most}: ${prefix}${name}`);
    }
  }
  checkTotals(metadata);
}

function checkTotals(metadata: Entries): void {
  const entries = Object.entries(metadata);
  const { max_meta_count: countMax, max_meta_overall_size: charactersMax } = swiftLimits;
  if (entries.length > countMax) throw badRequest(`Too many metadata items; max ${countMax}`);
  const characters = entries.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  if (characters > charactersMax) throw badRequest(`Total metadata too large; max ${charactersMax}`);
}

/** What is there once a change has been made; the limits hold for the whole, too. Throws 400. */
export function mergeMetadata(before: Entries, change: Entries): Entries {
  const merged = mergeEntries(before, change);
  // What has been too much before may shrink.
  if (Object.values(change).some((value) => value !== '')) checkTotals(merged);
  return merged;
}

export function mergeEntries(before: Entries, change: Entries): Entries {
  const merged = { ...before, ...change };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== ''));
}

/** `X-Container-Meta-Colour` and so on. */
export function pushMetadata(headers: FlatHeaders, prefix: string, entries: Entries): void {
  for (const [name, value] of Object.entries(entries)) headers.push(prefix + titleCase(name), value);
}

export function titleCase(name: string): string {
  return name.replace(
    /(^|[^a-z0-9])([a-z])/g,
    (_, before: string, letter: string) => before + letter.toUpperCase(),
  );
}
