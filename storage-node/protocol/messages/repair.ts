/**
 * REPAIR: route, key, state: a state that has been decided, for a voter that missed it, or cannot read it any more. Taken as LEARN is, with
 * one exception: a device that has nothing of the key refuses what lies at or below its floor, for it may have forgotten a later
 * tombstone. Answered by ACCEPTED when it, or what is above it, is durable; or by REFUSED.
 */
import { ByteReader } from '#common/codec/byte-reader.ts';
import type { RecordKey } from '#common/codec/record-key.ts';
import type { AcceptedState } from '../accepted-state.ts';
import { frameTypes } from '../frame.ts';
import {
  type EncodedMessage,
  ROUTE_BYTES,
  type Route,
  readKey,
  readRoute,
  readState,
  stateMessage,
  writeRoute,
} from './message.ts';

export interface Repair {
  readonly type: 'repair';
  readonly route: Route;
  readonly key: RecordKey;
  readonly state: AcceptedState;
}

export function encodeRepair({ route, key, state }: Repair): EncodedMessage {
  const bytes = ROUTE_BYTES + 2 + key.length;
  return stateMessage(frameTypes.repair, bytes, (into) => writeRoute(into, route).short(key), state);
}

export function decodeRepair(payload: Buffer): Repair {
  const from = new ByteReader(payload, 'protocol-violation');
  const route = readRoute(from);
  const key = readKey(from);
  const state = readState(from);
  from.end();
  return { type: 'repair', route, key, state };
}
