/**
 * LEARN: route, key, state: a state that has been decided. It is taken whatever was promised, unless the device has its ballot or a
 * higher one; the device need not be a voter of the partition. Answered by ACCEPTED when it, or what is above it, is durable.
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

export interface Learn {
  readonly type: 'learn';
  readonly route: Route;
  readonly key: RecordKey;
  readonly state: AcceptedState;
}

export function encodeLearn({ route, key, state }: Learn): EncodedMessage {
  const bytes = ROUTE_BYTES + 2 + key.length;
  return stateMessage(frameTypes.learn, bytes, (into) => writeRoute(into, route).short(key), state);
}

export function decodeLearn(payload: Buffer): Learn {
  const from = new ByteReader(payload, 'protocol-violation');
  const route = readRoute(from);
  const key = readKey(from);
  const state = readState(from);
  from.end();
  return { type: 'learn', route, key, state };
}
