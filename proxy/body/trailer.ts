/** The trailer of an aws-chunked body: header fields behind the last chunk. */
import { malformedTrailer } from './aws-chunked.ts';

export const TRAILER_SIGNATURE = 'x-amz-trailer-signature';
const FIELDS_MAX = 16;
const FIELD = /^([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([\x20-\x7e]*)$/;

/**
 * Names in lower case, in the order they came in; values trimmed. A line may end with a bare line feed and empty lines
 * may stand anywhere, because clients disagree on both.
 */
export function parseTrailer(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const field = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (field === '') continue;
    const [, name, value] = FIELD.exec(field) ?? [];
    if (name === undefined || value === undefined) throw malformedTrailer();
    const lower = name.toLowerCase();
    if (fields.has(lower) || fields.size >= FIELDS_MAX) throw malformedTrailer();
    fields.set(lower, value.trim());
  }
  return fields;
}

/** What the trailer's signature covers. */
export function canonicalTrailer(fields: ReadonlyMap<string, string>): string {
  let text = '';
  for (const name of [...fields.keys()].sort()) {
    if (name !== TRAILER_SIGNATURE) text += `${name}:${fields.get(name) ?? ''}\n`;
  }
  return text;
}
