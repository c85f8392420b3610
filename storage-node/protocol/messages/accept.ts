/**
 * ACCEPT: route, key, state (its ballot is the one that was promised). Answered by ACCEPTED (empty) or REFUSED.
 */
import { ByteReader } from '#common/codec/byte-reader.ts';
import type { RecordKey } from '#common/codec/record-key.ts';
import type { AcceptedState } from '../accepted-state.ts';
import { frameTypes } from '../frame.ts';
import {
  type EncodedMessage,
  ROUTE_BYTES,
  type Route,
  emptyMessage,
  readKey,
  readRoute,
  readState,
  smallMessage,
  stateMessage,
  writeRoute,
} from './message.ts';

export interface Accept {
  readonly type: 'accept';
  readonly route: Route;
  readonly key: RecordKey;
  readonly state: AcceptedState;
}

export interface Accepted {
  readonly type: 'accepted';
}

/** `clock`: what the clock of the next ballot must exceed. */
export interface Refused {
  readonly type: 'refused';
  readonly clock: number;
}

export function encodeAccept(message: Accept): EncodedMessage {
  const bytes = ROUTE_BYTES + 2 + message.key.length;
  return stateMessage(
    frameTypes.accept,
    bytes,
    (into) => writeRoute(into, message.route).short(message.key),
    message.state,
  );
}

export function decodeAccept(payload: Buffer): Accept {
  const from = new ByteReader(payload, 'protocol-violation');
  const route = readRoute(from);
  const key = readKey(from);
  const state = readState(from);
  from.end();
  return { type: 'accept', route, key, state };
}

export function encodeAccepted(): EncodedMessage {
  return emptyMessage(frameTypes.accepted);
}

export function encodeRefused(message: Refused): EncodedMessage {
  return smallMessage(frameTypes.refused, 8, (into) => into.u64(message.clock));
}

export function decodeRefused(payload: Buffer): Refused {
  const from = new ByteReader(payload, 'protocol-violation');
  const clock = from.u64();
  from.end();
  return { type: 'refused', clock };
}
