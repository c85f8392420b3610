/** In which form a listing is wanted: `format`, or else what `Accept` prefers (RFC 9110, section 12.5.1). */
import { SwiftError } from '../errors.ts';
import type { SwiftRequest } from '../request.ts';

export const listingTypes = ['text/plain', 'application/json', 'application/xml', 'text/xml'] as const;
export type ListingType = (typeof listingTypes)[number];

const formats: Readonly<Record<string, ListingType>> = {
  plain: 'text/plain',
  json: 'application/json',
  xml: 'application/xml',
};

const RANGES_MAX = 64;
const MEDIA_RANGE = /^\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\/([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:;(.*))?$/;
const QUALITY = /(?:^|;)\s*q\s*=\s*([0-9.]+)\s*(?:;|$)/i;

/** Throws 400 for an Accept that cannot be read, and 406 when it takes none of the forms. */
export function listingTypeOf(request: SwiftRequest): ListingType {
  const format = request.query.get('format');
  if (format !== undefined && format !== '') {
    const name = format.toLowerCase();
    return Object.hasOwn(formats, name) ? (formats[name] ?? 'text/plain') : 'text/plain';
  }
  const accept = request.header('accept');
  if (accept === undefined || accept.trim() === '') return 'text/plain';
  const ranges = accept.split(',', RANGES_MAX).map(parseRange);
  // A range without wildcards says more than one with, at the same quality.
  ranges.sort((a, b) => b.quality - a.quality || a.wildcards - b.wildcards);
  for (const { type, subtype, quality } of ranges) {
    const found = listingTypes.find((known) => fits(known, type, subtype));
    if (found !== undefined && quality > 0) return found;
  }
  throw new SwiftError(406);
}

interface MediaRange {
  readonly type: string;
  readonly subtype: string;
  readonly quality: number;
  readonly wildcards: number;
}

function parseRange(text: string): MediaRange {
  const [, type, subtype, parameters = ''] = MEDIA_RANGE.exec(text) ?? [];
  if (type === undefined || subtype === undefined) throw new SwiftError(400, 'Invalid Accept header');
  const quality = Number(QUALITY.exec(parameters)?.[1] ?? 1);
  if (Number.isNaN(quality)) throw new SwiftError(400, 'Invalid Accept header');
  const wildcards = (type === '*' ? 1 : 0) + (subtype === '*' ? 1 : 0);
  return { type: type.toLowerCase(), subtype: subtype.toLowerCase(), quality, wildcards };
}

function fits(known: ListingType, type: string, subtype: string): boolean {
  const [knownType, knownSubtype] = known.split('/');
  return (type === '*' || type === knownType) && (subtype === '*' || subtype === knownSubtype);
}
