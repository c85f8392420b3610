/**
 * REPAIR: route, key, state: a state that has been decided, for a voter that missed it, or cannot read it any more. Taken as LEARN is, with
 * one exception: a device that has nothing of the key refuses what lies at or below its floor, for it may have forgotten a later
 * tombstone. Answered by ACCEPTED when it, or what is above it, is durable; or by REFUSED.
 */
import { frameTypes } from '../frame.ts';
import { type KeyedState, decodeKeyedState, encodeKeyedState } from './keyed-state.ts';
import type { EncodedMessage } from './message.ts';

export interface Repair extends KeyedState {
  readonly type: 'repair';
}

export function encodeRepair(message: Repair): EncodedMessage {
  return encodeKeyedState(frameTypes.repair, message);
}

export function decodeRepair(payload: Buffer): Repair {
  return { type: 'repair', ...decodeKeyedState(payload) };
}
