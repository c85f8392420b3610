/** The query of a request: parameters by name, decoded. */
import { S3Error } from './errors.ts';

const PARAMETERS_MAX = 100;

export class Query {
  readonly #parameters: ReadonlyMap<string, string>;

  constructor(parameters: ReadonlyMap<string, string>) {
    this.#parameters = parameters;
  }

  has(name: string): boolean {
    return this.#parameters.has(name);
  }

  /** The first value; '' for a name without one. */
  get(name: string): string | undefined {
    return this.#parameters.get(name);
  }

  names(): IterableIterator<string> {
    return this.#parameters.keys();
  }
}

const EMPTY = new Query(new Map());

/** @param raw what follows the question mark. Throws InvalidURI. */
export function parseQuery(raw: string): Query {
  if (raw === '') return EMPTY;
  const parameters = new Map<string, string>();
  for (const parameter of raw.split('&', PARAMETERS_MAX + 1)) {
    if (parameter === '') continue;
    if (parameters.size >= PARAMETERS_MAX) throw new S3Error('InvalidURI');
    const equals = parameter.indexOf('=');
    const name = decodeQueryText(equals < 0 ? parameter : parameter.slice(0, equals));
    if (!parameters.has(name))
      parameters.set(name, equals < 0 ? '' : decodeQueryText(parameter.slice(equals + 1)));
  }
  return new Query(parameters);
}

/** A plus sign stands for a space in a query, and for itself in a path. */
function decodeQueryText(text: string): string {
  return decodePercent(text.includes('+') ? text.replaceAll('+', ' ') : text);
}

/** Percent-encoded UTF-8; anything else is InvalidURI. */
export function decodePercent(text: string): string {
  // Bytes above 0x7F reach us as Latin-1 and cannot be told from their encoded form in a signature.
  // oxlint-disable-next-line no-control-regex
  if (/[^\u0000-\u007f]/.test(text)) throw new S3Error('InvalidURI');
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw new S3Error('InvalidURI', undefined, { cause: error });
  }
}
