/**
 * ACCEPT: route, key, state (its ballot is the one that was promised). Answered by ACCEPTED (empty) or REFUSED.
 */
import { ByteReader } from '#common/codec/byte-reader.ts';
import { frameTypes } from '../frame.ts';
import { type KeyedState, decodeKeyedState, encodeKeyedState } from './keyed-state.ts';
import { type EncodedMessage, emptyMessage, smallMessage } from './message.ts';

export interface Accept extends KeyedState {
  readonly type: 'accept';
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
  return encodeKeyedState(frameTypes.accept, message);
}

export function decodeAccept(payload: Buffer): Accept {
  return { type: 'accept', ...decodeKeyedState(payload) };
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
