/**
 * PURGE: route, ballot (14), key: forget the key's tombstone, if it is still the one of that ballot. Answered by PURGED (empty), also when
 * there is nothing to forget.
 */
import { BALLOT_BYTES, type Ballot } from '#common/ballot.ts';
import { ByteReader } from '#common/codec/byte-reader.ts';
import type { RecordKey } from '#common/codec/record-key.ts';
import { frameTypes } from '../frame.ts';
import {
  type EncodedMessage,
  ROUTE_BYTES,
  type Route,
  emptyMessage,
  readKey,
  readRoute,
  smallMessage,
  writeRoute,
} from './message.ts';

export interface Purge {
  readonly type: 'purge';
  readonly route: Route;
  readonly key: RecordKey;
  readonly ballot: Ballot;
}

export interface Purged {
  readonly type: 'purged';
}

export function encodePurge({ route, key, ballot }: Purge): EncodedMessage {
  return smallMessage(frameTypes.purge, ROUTE_BYTES + BALLOT_BYTES + 2 + key.length, (into) =>
    writeRoute(into, route).ballot(ballot).short(key),
  );
}

export function decodePurge(payload: Buffer): Purge {
  const from = new ByteReader(payload, 'protocol-violation');
  const route = readRoute(from);
  const ballot = from.ballot();
  const key = readKey(from);
  from.end();
  return { type: 'purge', route, key, ballot };
}

export function encodePurged(): EncodedMessage {
  return emptyMessage(frameTypes.purged);
}
