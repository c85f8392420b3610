/**
 * LEARN: route, key, state: a state that has been decided. It is taken whatever was promised, unless the device has its ballot or a
 * higher one; the device need not be a voter of the partition. Answered by ACCEPTED when it, or what is above it, is durable.
 */
import { frameTypes } from '../frame.ts';
import { type KeyedState, decodeKeyedState, encodeKeyedState } from './keyed-state.ts';
import type { EncodedMessage } from './message.ts';

export interface Learn extends KeyedState {
  readonly type: 'learn';
}

export function encodeLearn(message: Learn): EncodedMessage {
  return encodeKeyedState(frameTypes.learn, message);
}

export function decodeLearn(payload: Buffer): Learn {
  return { type: 'learn', ...decodeKeyedState(payload) };
}
