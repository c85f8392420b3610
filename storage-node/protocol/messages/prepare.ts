/**
 * PREPARE: route, ballot, key. Answered by PROMISED (present, state when present) or REFUSED.
 */
import { BALLOT_BYTES, type Ballot } from '#common/ballot.ts';
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
  smallMessage,
  stateMessage,
  writeRoute,
} from './message.ts';

export interface Prepare {
  readonly type: 'prepare';
  readonly route: Route;
  readonly key: RecordKey;
  readonly ballot: Ballot;
}

export interface Promised {
  readonly type: 'promised';
  readonly state: AcceptedState | undefined;
}

export function encodePrepare(message: Prepare): EncodedMessage {
  const bytes = ROUTE_BYTES + BALLOT_BYTES + 2 + message.key.length;
  return smallMessage(frameTypes.prepare, bytes, (into) =>
    writeRoute(into, message.route).ballot(message.ballot).short(message.key),
  );
}

export function decodePrepare(payload: Buffer): Prepare {
  const from = new ByteReader(payload, 'protocol-violation');
  const route = readRoute(from);
  const ballot = from.ballot();
  const key = readKey(from);
  from.end();
  return { type: 'prepare', route, ballot, key };
}

export function encodePromised(message: Promised): EncodedMessage {
  return encodeOptionalState(frameTypes.promised, message.state);
}

export function decodePromised(payload: Buffer): Promised {
  return { type: 'promised', state: decodeOptionalState(payload) };
}

/** present (1), state when present: the form that PROMISED and STATE share. */
export function encodeOptionalState(
  type: typeof frameTypes.promised | typeof frameTypes.state,
  state: AcceptedState | undefined,
): EncodedMessage {
  if (state === undefined) return smallMessage(type, 1, (into) => into.u8(0));
  return stateMessage(type, 1, (into) => into.u8(1), state);
}

export function decodeOptionalState(payload: Buffer): AcceptedState | undefined {
  const from = new ByteReader(payload, 'protocol-violation');
  const state = from.flag() ? readState(from) : undefined;
  from.end();
  return state;
}
