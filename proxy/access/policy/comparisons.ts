/** The operators of conditions, each on one value of the request and one of the policy. */
import { matchesWildcard } from './wildcard.ts';
import { addressWithin, parseNetwork } from './network.ts';

export interface Comparison {
  /** True when the operator says "not": no value of the policy may fit. */
  readonly negated: boolean;
  /** True when the policy's value may hold wildcards. */
  readonly patterns: boolean;
  /** Whether a policy may hold this value. */
  accepts(wanted: string): boolean;
  compare(value: string, wanted: string): boolean;
}

const anything = () => true;
const isNumber = (text: string) => /^-?\d{1,15}(?:\.\d{1,9})?$/.test(text);
const isFlag = (text: string) => /^(?:true|false)$/i.test(text);
const isBase64 = (text: string) => /^[A-Za-z0-9+/]*={0,2}$/.test(text);

function of(
  accepts: (wanted: string) => boolean,
  compare: (value: string, wanted: string) => boolean,
): Comparison {
  return { negated: false, patterns: false, accepts, compare };
}

function not(comparison: Comparison): Comparison {
  return { ...comparison, negated: true };
}

function numeric(compare: (value: number, wanted: number) => boolean): Comparison {
  return of(isNumber, (value, wanted) => isNumber(value) && compare(Number(value), Number(wanted)));
}

function date(compare: (value: number, wanted: number) => boolean): Comparison {
  return of(
    (wanted) => dateMs(wanted) !== undefined,
    (value, wanted) => {
      const [left, right] = [dateMs(value), dateMs(wanted)];
      return left !== undefined && right !== undefined && compare(left, right);
    },
  );
}

const ISO_DATE = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})?)?$/;

/** ISO 8601 as the W3C profiles it, or seconds since 1970. */
function dateMs(text: string): number | undefined {
  if (/^\d{1,12}$/.test(text)) return Number(text) * 1000;
  if (!ISO_DATE.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

const equals = of(anything, (value, wanted) => value === wanted);
const equalsIgnoringCase = of(anything, (value, wanted) => value.toLowerCase() === wanted.toLowerCase());
const like: Comparison = {
  ...of(anything, (value, wanted) => matchesWildcard(wanted, value)),
  patterns: true,
};
const numericEquals = numeric((value, wanted) => value === wanted);
const dateEquals = date((value, wanted) => value === wanted);
const address = of(
  (wanted) => parseNetwork(wanted) !== undefined,
  (value, wanted) => addressWithin(value, wanted),
);

/** By lower-case name. */
export const comparisons: Readonly<Record<string, Comparison>> = {
  stringequals: equals,
  stringnotequals: not(equals),
  stringequalsignorecase: equalsIgnoringCase,
  stringnotequalsignorecase: not(equalsIgnoringCase),
  stringlike: like,
  stringnotlike: not(like),
  arnequals: like,
  arnnotequals: not(like),
  arnlike: like,
  arnnotlike: not(like),
  numericequals: numericEquals,
  numericnotequals: not(numericEquals),
  numericlessthan: numeric((value, wanted) => value < wanted),
  numericlessthanequals: numeric((value, wanted) => value <= wanted),
  numericgreaterthan: numeric((value, wanted) => value > wanted),
  numericgreaterthanequals: numeric((value, wanted) => value >= wanted),
  dateequals: dateEquals,
  datenotequals: not(dateEquals),
  datelessthan: date((value, wanted) => value < wanted),
  datelessthanequals: date((value, wanted) => value <= wanted),
  dategreaterthan: date((value, wanted) => value > wanted),
  dategreaterthanequals: date((value, wanted) => value >= wanted),
  bool: of(isFlag, (value, wanted) => value.toLowerCase() === wanted.toLowerCase()),
  binaryequals: of(isBase64, (value, wanted) => value === wanted),
  ipaddress: address,
  notipaddress: not(address),
};
