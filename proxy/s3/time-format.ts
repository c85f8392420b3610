/** Times as S3 writes them. */

/** `2009-10-12T17:50:30.000Z`: in XML. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** `Mon, 12 Oct 2009 17:50:30 GMT`: in headers (RFC 9110, section 5.6.7), whole seconds. */
export function httpTime(ms: number): string {
  return new Date(ms).toUTCString();
}

/** Milliseconds since 1970; undefined for what is no date, which a condition ignores (RFC 9110, section 13.1.3). */
export function parseHttpTime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
