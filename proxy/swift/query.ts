/** The query of a request: parameters by name, decoded. */
import { SwiftError, badRequest } from './errors.ts';

const PARAMETERS_MAX = 100;
const TRUE_WORDS: ReadonlySet<string> = new Set(['true', '1', 'yes', 'on', 't', 'y']);

export class Query {
  /** What follows the question mark, as received. */
  readonly raw: string;
  readonly #parameters: ReadonlyMap<string, string>;

  constructor(raw: string, parameters: ReadonlyMap<string, string>) {
    this.raw = raw;
    this.#parameters = parameters;
  }

  has(name: string): boolean {
    return this.#parameters.has(name);
  }

  /** The last value; '' for a name without one. */
  get(name: string): string | undefined {
    return this.#parameters.get(name);
  }

  flag(name: string): boolean {
    return isTrue(this.#parameters.get(name));
  }
}

/** What Swift takes for "yes", in a query or in a header. */
export function isTrue(text: string | undefined): boolean {
  return text !== undefined && TRUE_WORDS.has(text.toLowerCase());
}

/** Throws 400. */
export function parseQuery(raw: string): Query {
  const parameters = new Map<string, string>();
  if (raw === '') return new Query(raw, parameters);
  const parts = raw.split('&', PARAMETERS_MAX + 1);
  if (parts.length > PARAMETERS_MAX) throw badRequest('Too many query parameters');
  for (const part of parts) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = decodeText(equals < 0 ? part : part.slice(0, equals), part);
    parameters.set(name, equals < 0 ? '' : decodeText(part.slice(equals + 1), name));
  }
  return new Query(raw, parameters);
}

/** A plus sign stands for a space in a query, and for itself in a path. */
function decodeText(text: string, name: string): string {
  const decoded = decodePercent(text.includes('+') ? text.replaceAll('+', ' ') : text);
  if (decoded === undefined) throw badRequest(`Query parameter "${name}" is not valid UTF-8`);
  return decoded;
}

/**
 * Percent-encoded UTF-8; undefined for anything else. A percent sign that encodes nothing stands for itself, and bytes
 * above 0x7F that came as they are (Node shows them as Latin-1) are taken for themselves.
 */
export function decodePercent(text: string): string | undefined {
  // oxlint-disable-next-line no-control-regex
  if (!/[%\u0080-\u00ff]/.test(text)) return text;
  const latin1 = text.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return utf8Of(latin1);
}

// oxlint-disable-next-line no-control-regex
const ASCII = /^[\u0000-\u007f]*$/;

/** The text whose UTF-8 bytes are `latin1`'s characters; undefined when they are no UTF-8. */
export function utf8Of(latin1: string): string | undefined {
  if (ASCII.test(latin1)) return latin1;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(latin1, 'latin1'));
  } catch {
    return undefined;
  }
}

/** The same for a path, which Swift refuses in another way. */
export function decodePath(text: string): string {
  const decoded = decodePercent(text);
  if (decoded === undefined || decoded.includes('\u0000'))
    throw new SwiftError(412, 'Invalid UTF8 or contains NULL');
  return decoded;
}
