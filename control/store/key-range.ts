/**
 * Keys and ranges of them. Keys are printable ASCII so that the order of JavaScript's strings, of LevelDB's bytes and of
 * etcd's bytes is one; names of people and things are encoded by whoever makes keys of them (`keyPart`).
 */
import { HoldfastError } from '#common/errors.ts';
import { storeLimits } from './limits.ts';

/** All keys from `from` on, before `to`. */
export interface KeyRange {
  readonly from: string;
  readonly to: string;
}

const KEY = /^[!-~]+$/;
/** Ends of ranges may have a zero byte at their end (the key after `a` is `a\0`), or the byte after the last printable. */
const EDGE = /^[!-~]*[\0!-\x7f]$/;

export const everything: KeyRange = { from: '!', to: '\x7f' };

/** The range of one key. */
export function single(key: string): KeyRange {
  return { from: key, to: `${key}\0` };
}

/** The range of all keys that begin with `prefix`. */
export function prefixed(prefix: string): KeyRange {
  if (prefix === '') return everything;
  const last = prefix.length - 1;
  return { from: prefix, to: prefix.slice(0, last) + String.fromCharCode(prefix.charCodeAt(last) + 1) };
}

/** The keys of `range` that come after `key`: where the next page of a long range begins. */
export function after(key: string, range: KeyRange): KeyRange {
  return { from: `${key}\0`, to: range.to };
}

export function isWithin(key: string, { from, to }: KeyRange): boolean {
  return from <= key && key < to;
}

export function overlap(one: KeyRange, other: KeyRange): boolean {
  return one.from < other.to && other.from < one.to;
}

/** Any text as a part of a key: percent-encoded, without `/`. */
export function keyPart(text: string): string {
  return encodeURIComponent(text);
}

export function checkKey(key: string): void {
  if (key.length > storeLimits.keyBytesMax || !KEY.test(key))
    throw new HoldfastError(
      'invalid-argument',
      `a key is 1 to ${storeLimits.keyBytesMax} printable ASCII characters`,
    );
}

export function checkRange({ from, to }: KeyRange): void {
  const edgeMax = storeLimits.keyBytesMax + 1;
  if (from.length > edgeMax || to.length > edgeMax || !EDGE.test(from) || !EDGE.test(to))
    throw new HoldfastError('invalid-argument', 'the ends of a range are keys');
  if (from >= to) throw new HoldfastError('invalid-argument', 'a range begins before its end');
}
