/** The time that a signature was made at, in the forms that SigV4 allows. */

const BASIC_FORM = /^[12]\d{3}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3])[0-5]\d[0-5]\dZ$/;
const HTTP_DATE_LENGTH_MAX = 64;

export interface RequestTime {
  readonly ms: number;
  /** `20130524T000000Z`, as the string to sign has it. */
  readonly dateTime: string;
}

/** ISO 8601 in its basic form, `20130524T000000Z`; undefined when it is anything else. */
export function parseBasicTime(text: string): RequestTime | undefined {
  if (!BASIC_FORM.test(text)) return undefined;
  const day = number(text, 6, 8);
  const ms = Date.UTC(
    number(text, 0, 4),
    number(text, 4, 6) - 1,
    day,
    number(text, 9, 11),
    number(text, 11, 13),
    number(text, 13, 15),
  );
  // A day that its month does not have would have rolled over into the next one.
  return new Date(ms).getUTCDate() === day ? { ms, dateTime: text } : undefined;
}

function number(text: string, start: number, end: number): number {
  let value = 0;
  for (let index = start; index < end; index++) value = value * 10 + text.charCodeAt(index) - 0x30;
  return value;
}

/** The same, or an HTTP date (RFC 9110, section 5.6.7) as the Date header carries it. */
export function parseRequestTime(text: string): RequestTime | undefined {
  const basic = parseBasicTime(text);
  if (basic !== undefined) return basic;
  if (text.length > HTTP_DATE_LENGTH_MAX || !text.endsWith('GMT')) return undefined;
  const ms = Date.parse(text);
  if (!Number.isFinite(ms) || ms < 0) return undefined;
  return { ms, dateTime: basicTime(ms) };
}

/** `20130524T000000Z` */
export function basicTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
}

/** `2013-05-24T00:00:00Z`, as errors show times. */
export function extendedTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
