/** Who has said that it will add what: docs/formats/quota-record.md, "Reservations". */
import type { Cluster } from '#cluster/cluster.ts';
import { ballotTimeMs } from '#common/ballot.ts';
import { type RecordKey, recordKey, recordKinds } from '#common/codec/record-key.ts';
import type { SpaceId } from '#common/ids.ts';
import type { Clock } from '#common/io/clock.ts';
import {
  asFields,
  encodeVersionedJson,
  integerField,
  type JsonFields,
  parseVersionedJson,
} from '#proxy/objects/json-section.ts';
import { type Amounts, NOTHING, plus } from './amounts.ts';

/** How long others heed an entry that does not change, by their own clocks; its holder acts on it for a third of this. */
const HEEDED_MS = 30_000;
/** By how much the clocks of two proxies may differ: beyond it an entry has ended whoever looks. */
const CLOCKS_APART_MS_MAX = 3_600_000;

interface Entry extends Amounts {
  /** Another one each time that the holder reserves. */
  readonly turn: number;
  /** Milliseconds since 1970, as ballots have it. */
  readonly expiresMs: number;
}

interface Seen {
  readonly turn: number;
  /** By the own monotonic clock. */
  readonly sinceMs: number;
}

/** @param space the account's, or the bucket's. */
export function reservationKey(space: SpaceId): RecordKey {
  return recordKey(space, recordKinds.reservation, 0, '');
}

export interface ReservationParts {
  readonly cluster: Cluster;
  readonly clock: Clock;
  /** This run of the proxy; unique. */
  readonly holder: string;
  /** Never gives a number twice in this run. */
  readonly nextTurn: () => number;
  readonly key: RecordKey;
}

/** One holder's entry in one record. */
export class Reservation {
  readonly #parts: ReservationParts;
  /** Others' entries, and since when they are as they are. */
  #seen: ReadonlyMap<string, Seen> = new Map();

  constructor(parts: ReservationParts) {
    this.#parts = parts;
  }

  /** Replaces the holder's entry, by none for nothing. @returns what all others have reserved at that moment. */
  async set(amounts: Amounts): Promise<Amounts> {
    const { cluster, key, holder, nextTurn } = this.#parts;
    const turn = nextTurn();
    const others = await cluster.records.mutate<readonly [string, Entry][]>(key, (current, ballot) => {
      const nowMs = ballotTimeMs(ballot);
      const result = current === undefined ? [] : this.#living(current.content, nowMs);
      const isNothing = amounts.bytes === 0 && amounts.objects === 0 && amounts.containers === 0;
      const expiresMs = nowMs + HEEDED_MS + CLOCKS_APART_MS_MAX;
      const own = isNothing ? [] : [[holder, { ...amounts, turn, expiresMs }] as const];
      const holders = [...result, ...own];
      if (holders.length === 0) return { action: current === undefined ? 'keep' : 'remove', result };
      const content = encodeVersionedJson({ holders: Object.fromEntries(holders) });
      return { action: 'write', summary: Buffer.alloc(0), content, result };
    });
    this.#note(others);
    return others.reduce<Amounts>((sum, [, entry]) => plus(sum, entry), NOTHING);
  }

  /** Of the others, without those that have stood unchanged for so long that their holder does not act on them any more. */
  #living(content: Buffer, nowMs: number): [string, Entry][] {
    const unchangedSinceMs = this.#parts.clock.monotonicMs() - HEEDED_MS;
    const holders = asFields(parseVersionedJson(content)['holders']);
    return Object.entries(holders)
      .map(([holder, entry]): [string, Entry] => [holder, decodeEntry(asFields(entry))])
      .filter(([holder, { turn, expiresMs }]) => {
        if (holder === this.#parts.holder || expiresMs <= nowMs) return false;
        const seen = this.#seen.get(holder);
        return seen === undefined || seen.turn !== turn || seen.sinceMs > unchangedSinceMs;
      });
  }

  #note(others: readonly [string, Entry][]): void {
    const nowMs = this.#parts.clock.monotonicMs();
    const before = this.#seen;
    const seen = others.map(([holder, { turn }]): [string, Seen] => {
      const known = before.get(holder);
      return [holder, known?.turn === turn ? known : { turn, sinceMs: nowMs }];
    });
    this.#seen = new Map(seen);
  }
}

function decodeEntry(fields: JsonFields): Entry {
  return {
    bytes: integerField(fields, 'bytes'),
    objects: integerField(fields, 'objects'),
    containers: integerField(fields, 'containers'),
    turn: fields['turn'] === undefined ? 0 : integerField(fields, 'turn'),
    expiresMs: integerField(fields, 'expiresMs'),
  };
}
