/** Who has said that it will add what: docs/formats/quota-record.md, "Reservations". */
import type { Cluster } from '#cluster/cluster.ts';
import { ballotTimeMs } from '#common/ballot.ts';
import { type RecordKey, recordKey, recordKinds } from '#common/codec/record-key.ts';
import type { SpaceId } from '#common/ids.ts';
import {
  asFields,
  encodeVersionedJson,
  integerField,
  type JsonFields,
  parseVersionedJson,
} from '#proxy/objects/json-section.ts';
import { type Amounts, NOTHING, plus } from './amounts.ts';

/** How long others heed an entry; its holder acts on it for a third of this. */
const ENTRY_MS = 30_000;

interface Entry extends Amounts {
  /** Milliseconds since 1970, as ballots have it. */
  readonly expiresMs: number;
}

/** @param space the account's, or the bucket's. */
export function reservationKey(space: SpaceId): RecordKey {
  return recordKey(space, recordKinds.reservation, 0, '');
}

/** Replaces the holder's entry, by none for nothing. @returns what all others have reserved at that moment. */
export async function reserve(
  cluster: Cluster,
  key: RecordKey,
  holder: string,
  amounts: Amounts,
): Promise<Amounts> {
  return cluster.records.mutate<Amounts>(key, (current, ballot) => {
    const nowMs = ballotTimeMs(ballot);
    const others = current === undefined ? [] : livingEntries(current.content, holder, nowMs);
    const result = others.reduce<Amounts>((sum, [, entry]) => plus(sum, entry), NOTHING);
    const isNothing = amounts.bytes === 0 && amounts.objects === 0 && amounts.containers === 0;
    const own = isNothing ? [] : [[holder, { ...amounts, expiresMs: nowMs + ENTRY_MS }] as const];
    const holders = [...others, ...own];
    if (holders.length === 0) return { action: current === undefined ? 'keep' : 'remove', result };
    const content = encodeVersionedJson({ holders: Object.fromEntries(holders) });
    return { action: 'write', summary: Buffer.alloc(0), content, result };
  });
}

function livingEntries(content: Buffer, except: string, nowMs: number): [string, Entry][] {
  const holders = asFields(parseVersionedJson(content)['holders']);
  return Object.entries(holders)
    .map(([holder, entry]): [string, Entry] => [holder, decodeEntry(asFields(entry))])
    .filter(([holder, { expiresMs }]) => holder !== except && expiresMs > nowMs);
}

function decodeEntry(fields: JsonFields): Entry {
  return {
    bytes: integerField(fields, 'bytes'),
    objects: integerField(fields, 'objects'),
    containers: integerField(fields, 'containers'),
    expiresMs: integerField(fields, 'expiresMs'),
  };
}
