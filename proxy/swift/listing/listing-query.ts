/** What a listing of objects or containers is asked for (Object Storage API reference, "Show container details and list objects"). */
import { SwiftError } from '../errors.ts';
import type { Query } from '../query.ts';

/** No name is longer than 1,024 bytes, so what follows in a marker decides nothing. */
const MARKER_CHARACTERS_MAX = 1025;

export interface NameQuery {
  readonly prefix: string;
  /** Names that hold this after the prefix are folded into one entry; '' for none. */
  readonly delimiter: string;
  /** Only names behind this one, in the order of their bytes; '' for all. */
  readonly above: string;
  /** Only names before this one; '' for all. */
  readonly below: string;
  /** Whether the order is turned round; `above` and `below` stay what they are. */
  readonly reverse: boolean;
  /** 0 … 10,000. */
  readonly limit: number;
  /** Only what is directly below the prefix, and nothing folded: the parameter `path`. */
  readonly onlyDirect: boolean;
}

/** Throws 412 for a limit beyond the greatest. */
export function parseNameQuery(query: Query, limitMax: number): NameQuery {
  const reverse = query.flag('reverse');
  const marker = clipped(query.get('marker'));
  const endMarker = clipped(query.get('end_marker'));
  const path = query.get('path');
  return {
    prefix: path === undefined ? (query.get('prefix') ?? '') : directoryOf(path),
    delimiter: path === undefined ? (query.get('delimiter') ?? '') : '/',
    above: reverse ? endMarker : marker,
    below: reverse ? marker : endMarker,
    reverse,
    limit: limitOf(query.get('limit'), limitMax),
    onlyDirect: path !== undefined,
  };
}

function clipped(marker: string | undefined): string {
  return marker === undefined ? '' : marker.slice(0, MARKER_CHARACTERS_MAX);
}

function directoryOf(path: string): string {
  return path === '' ? '' : `${path.replace(/\/+$/, '')}/`;
}

function limitOf(text: string | undefined, limitMax: number): number {
  if (text === undefined || !/^\d+$/.test(text)) return limitMax;
  const limit = Number(text);
  if (limit > limitMax) throw new SwiftError(412, `Maximum limit is ${limitMax}`);
  return limit;
}
