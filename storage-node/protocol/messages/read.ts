/**
 * READ: route, part (0 the whole state, 1 the ballot alone), key.
 * Answered by STATE (present, state when present) or BALLOT (present, ballot and live when present).
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
  smallMessage,
  writeRoute,
} from './message.ts';
import { decodeOptionalState, encodeOptionalState } from './prepare.ts';

export interface Read {
  readonly type: 'read';
  readonly route: Route;
  readonly key: RecordKey;
  /** Whether the answer is to be a BALLOT instead of a STATE. */
  readonly ballotOnly: boolean;
}

export interface StateAnswer {
  readonly type: 'state';
  readonly state: AcceptedState | undefined;
}

export interface BallotAnswer {
  readonly type: 'ballot';
  readonly ballot: Ballot | undefined;
  readonly live: boolean;
}

export function encodeRead(message: Read): EncodedMessage {
  return smallMessage(frameTypes.read, ROUTE_BYTES + 1 + 2 + message.key.length, (into) =>
    writeRoute(into, message.route)
      .u8(message.ballotOnly ? 1 : 0)
      .short(message.key),
  );
}

export function decodeRead(payload: Buffer): Read {
  const from = new ByteReader(payload, 'protocol-violation');
  const route = readRoute(from);
  const ballotOnly = from.flag();
  const key = readKey(from);
  from.end();
  return { type: 'read', route, key, ballotOnly };
}

export function encodeStateAnswer(message: StateAnswer): EncodedMessage {
  return encodeOptionalState(frameTypes.state, message.state);
}

export function decodeStateAnswer(payload: Buffer): StateAnswer {
  return { type: 'state', state: decodeOptionalState(payload) };
}

export function encodeBallotAnswer(message: BallotAnswer): EncodedMessage {
  const { ballot } = message;
  if (ballot === undefined) return smallMessage(frameTypes.ballot, 1, (into) => into.u8(0));
  return smallMessage(frameTypes.ballot, 2 + BALLOT_BYTES, (into) =>
    into
      .u8(1)
      .ballot(ballot)
      .u8(message.live ? 1 : 0),
  );
}

export function decodeBallotAnswer(payload: Buffer): BallotAnswer {
  const from = new ByteReader(payload, 'protocol-violation');
  if (!from.flag()) {
    from.end();
    return { type: 'ballot', ballot: undefined, live: false };
  }
  const ballot = from.ballot();
  const live = from.flag();
  from.end();
  return { type: 'ballot', ballot, live };
}
