/**
 * Which version of an object: the ballot under which it was first written, as 28 lower-case hexadecimal digits. The ballots
 * of one register rise, so a key's versions sort by age, and no two of a key ever have one id.
 */
import { BALLOT_BYTES, type Ballot, TICKS_PER_MS, writeBallot } from '#common/ballot.ts';

declare const versionBrand: unique symbol;
export type VersionId = string & { readonly [versionBrand]: true };

/** How clients name the version that was written while versioning was not enabled. */
export const NULL_VERSION = 'null';
export const VERSION_ID_BYTES = BALLOT_BYTES;
const VERSION_ID = /^[0-9a-f]{28}$/;
const CLOCK_DIGITS = 16;

export interface VersionStamp {
  readonly id: VersionId;
  /** Written while versioning was not enabled: a key has at most one such version, and clients call it `null`. */
  readonly isNull: boolean;
  /** How often what is stored of the version has been changed since it was first written. */
  readonly revision: number;
}

/** What a client asks for: a version's id, or the null version. */
export type VersionSelector = VersionId | typeof NULL_VERSION;

export function versionIdOf(ballot: Ballot): VersionId {
  const bytes = Buffer.allocUnsafe(BALLOT_BYTES);
  writeBallot(bytes, 0, ballot);
  return bytes.toString('hex') as VersionId;
}

/** @param digits 28 hexadecimal digits that were stored. */
export function asVersionId(digits: string): VersionId {
  if (!VERSION_ID.test(digits)) throw new RangeError('not a version id');
  return digits as VersionId;
}

/** Undefined for text that no version can have. */
export function parseVersionSelector(text: string): VersionSelector | undefined {
  if (text === NULL_VERSION) return NULL_VERSION;
  return VERSION_ID.test(text) ? (text as VersionId) : undefined;
}

/** Milliseconds since 1970 at which the version was written. */
export function versionTimeMs(id: VersionId): number {
  return Math.floor(Number.parseInt(id.slice(0, CLOCK_DIGITS), 16) / TICKS_PER_MS);
}

export function shownVersion(stamp: Pick<VersionStamp, 'id' | 'isNull'>): string {
  return stamp.isNull ? NULL_VERSION : stamp.id;
}

export function selects(selector: VersionSelector, stamp: Pick<VersionStamp, 'id' | 'isNull'>): boolean {
  return selector === NULL_VERSION ? stamp.isNull : !stamp.isNull && stamp.id === selector;
}
