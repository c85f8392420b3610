/** Times in HTTP's headers (RFC 9110, section 5.6.7). */
const ZONED = /(?:GMT|UTC|Z|[+-]\d{4})\s*$/i;
const DATE_CHARACTERS_MAX = 64;

/** `Mon, 12 Oct 2009 17:50:30 GMT`: whole seconds. */
export function httpTime(ms: number): string {
  return new Date(ms).toUTCString();
}

/**
 * Milliseconds since 1970; undefined for what is no date, which a condition ignores (section 13.1.3). The form of
 * asctime, which names no zone, is in UTC like the others.
 */
export function parseHttpTime(text: string | undefined): number | undefined {
  if (text === undefined || text.length > DATE_CHARACTERS_MAX) return undefined;
  const ms = Date.parse(ZONED.test(text) ? text : `${text} GMT`);
  return Number.isNaN(ms) ? undefined : ms;
}
