/** What the resources of the Identity API have in common: links, filters, bodies. */
import { type Answer, type Call, isFlagged } from '../../api/route.ts';
import { badRequest } from '../api-error.ts';
import { limits } from '../settings.ts';

interface Identified {
  readonly id: string;
}

/** `{ [singular]: … }` with the link to itself. */
export function one(call: Call, plural: string, singular: string, record: Identified, status = 200): Answer {
  return { status, body: { [singular]: shown(call, plural, record) } };
}

/** Those that the query asks for, by the attributes that may be asked for. */
export function many(
  call: Call,
  plural: string,
  records: readonly Identified[],
  filterable: readonly string[] = [],
): Answer {
  const found = records.filter((record) => isAskedFor(record as unknown as Attributes, call, filterable));
  const wanted = limitOf(call);
  const isTruncated = found.length > wanted;
  return {
    body: {
      [plural.slice(plural.lastIndexOf('/') + 1)]: found
        .slice(0, wanted)
        .map((record) => shown(call, plural, record)),
      links: { self: `${call.base}/${plural}`, previous: null, next: null },
      ...(isTruncated ? { truncated: true } : {}),
    },
  };
}

export function shown(call: Call, plural: string, record: Identified): Identified {
  return {
    ...record,
    links: { self: `${call.base}/${plural}/${encodeURIComponent(record.id)}` },
  } as Identified;
}

function limitOf({ query }: Call): number {
  const limit = query['limit'];
  if (limit === undefined) return limits.listMax;
  if (!/^[1-9]\d{0,8}$/.test(limit)) throw badRequest('limit is a whole number above 0.');
  return Math.min(Number(limit), limits.listMax);
}

type Attributes = Readonly<Record<string, unknown>>;

const COMPARISONS = new Map<string, (value: string, wanted: string) => boolean>([
  ['contains', (value, wanted) => value.includes(wanted)],
  ['startswith', (value, wanted) => value.startsWith(wanted)],
  ['endswith', (value, wanted) => value.endsWith(wanted)],
]);

/** `name=x`, and `name__contains=x`, `name__icontains=x` (without case) and the like. */
function isAskedFor(record: Attributes, call: Call, filterable: readonly string[]): boolean {
  return Object.entries(call.query).every(([key, wanted]) => {
    const [attribute = '', comparison] = key.split('__');
    if (!filterable.includes(attribute)) return true;
    const value = record[attribute];
    if (typeof value === 'boolean') return value === isFlagged(call, key);
    const given = typeof value === 'string' ? value : '';
    if (comparison === undefined) return given === wanted;
    const compare = COMPARISONS.get(comparison);
    if (compare !== undefined) return compare(given, wanted);
    const caseless = comparison.startsWith('i') ? COMPARISONS.get(comparison.slice(1)) : undefined;
    return caseless === undefined || caseless(given.toLowerCase(), wanted.toLowerCase());
  });
}

/** The attributes under the resource's name in a body whose schema was checked. */
export function attributesOf(call: Call, singular: string): Readonly<Record<string, unknown>> {
  const attributes = Object((call.body as Readonly<Record<string, unknown>>)[singular]) as Attributes;
  if (JSON.stringify(attributes).length > limits.recordBytesMax)
    throw badRequest(`A ${singular} has at most ${limits.recordBytesMax} bytes.`);
  const { links: _links, ...kept } = attributes;
  return kept;
}

/** Throws 400 when a change names another id, or another value of what never changes. */
export function checkFixed(before: object, attributes: Attributes, fixed: readonly string[]): void {
  for (const name of ['id', ...fixed]) {
    if (attributes[name] !== undefined && attributes[name] !== (before as Attributes)[name])
      throw badRequest(`${name} cannot be changed.`);
  }
}

/** A name, as all resources have it: something visible, in well-formed text. */
export function checkedName(name: unknown, charactersMax: number = limits.nameCharactersMax): string {
  if (typeof name !== 'string' || name.trim() === '' || name.length > charactersMax || !name.isWellFormed())
    throw badRequest(`A name has 1 to ${charactersMax} characters.`);
  return name;
}

const text = { type: 'string', maxLength: limits.descriptionCharactersMax } as const;
const textOrNull = { type: ['string', 'null'], maxLength: limits.descriptionCharactersMax } as const;
const flag = { type: 'boolean' } as const;
const id = { type: 'string', minLength: 1, maxLength: 255 } as const;
const idOrNull = { type: ['string', 'null'], maxLength: 255 } as const;
const name = { type: 'string', minLength: 1, maxLength: limits.nameCharactersMax } as const;
/** Schemas of single attributes. */
export const attribute = { text, textOrNull, flag, id, idOrNull, name } as const;

/** The schema of a body with one resource in it; attributes that are not named here may be anything. */
export function bodyOf(singular: string, properties: object, required: readonly string[] = []): object {
  return {
    type: 'object',
    required: [singular],
    properties: { [singular]: { type: 'object', properties, required } },
  };
}
