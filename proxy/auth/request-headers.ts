/** The headers of a request as SigV4 sees them: names in lower case, duplicates joined. */
import { AuthenticationError } from './authentication.ts';

export type HeaderMap = ReadonlyMap<string, string>;

const HEADERS_MAX = 256;
const HEADER_BYTES_MAX = 64 * 1024;
const LOOSE_SPACE = /^\s|\s$|\s\s|[\t\r\n\v\f]/;

/** Trims, and folds a run of white space into one space. */
export function foldedValue(value: string): string {
  return LOOSE_SPACE.test(value) ? value.trim().replaceAll(/\s+/g, ' ') : value;
}

/** Duplicates are joined by a comma, in the order they came in, each folded by itself. */
export function collectHeaders(rawHeaders: readonly string[]): HeaderMap {
  if (rawHeaders.length > 2 * HEADERS_MAX) throw tooLarge();
  const headers = new Map<string, string>();
  let bytes = 0;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] as string).toLowerCase();
    const value = rawHeaders[index + 1] as string;
    bytes += name.length + value.length;
    const earlier = headers.get(name);
    headers.set(name, earlier === undefined ? value : `${foldedValue(earlier)},${foldedValue(value)}`);
  }
  if (bytes > HEADER_BYTES_MAX) throw tooLarge();
  return headers;
}

function tooLarge(): AuthenticationError {
  return new AuthenticationError(
    'RequestHeaderSectionTooLarge',
    'Your request header section exceeds the maximum allowed request header section size.',
    { MaxSizeAllowed: String(HEADER_BYTES_MAX) },
  );
}
