/** What ACCEPT, LEARN and REPAIR say: route, key, state. They differ in what the device may do with it. */
import { ByteReader } from '#common/codec/byte-reader.ts';
import type { RecordKey } from '#common/codec/record-key.ts';
import type { AcceptedState } from '../accepted-state.ts';
import type { FrameType } from '../frame.ts';
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

export interface KeyedState {
  readonly route: Route;
  readonly key: RecordKey;
  readonly state: AcceptedState;
}

export function encodeKeyedState(type: FrameType, { route, key, state }: KeyedState): EncodedMessage {
  const bytes = ROUTE_BYTES + 2 + key.length;
  return stateMessage(type, bytes, (into) => writeRoute(into, route).short(key), state);
}

export function decodeKeyedState(payload: Buffer): KeyedState {
  const from = new ByteReader(payload, 'protocol-violation');
  const route = readRoute(from);
  const key = readKey(from);
  const state = readState(from);
  from.end();
  return { route, key, state };
}
