/**
 * What a device's part of a partition that moves is copied with: docs/formats/register.md, "While a device joins".
 *
 * COPY_BEGIN: route. Waits until what the member took under earlier epochs is durable or has ended.
 * Answered by COPY_READY: bound (8), uploads (4): blobs of earlier epochs that are still being sent.
 * TAKE_FLOOR: route, clock (8). Answered by ACCEPTED when the floor is durable.
 * DROP: route, what (1: 0 shards, 1 blobs), count (2), names. To a device that is no voter of the partition, for names that HELD gave.
 * Answered by DROPPED: more (1), also while blobs of the partition are still being sent to the device.
 */
import { ByteReader } from '#common/codec/byte-reader.ts';
import { frameTypes } from '../frame.ts';
import {
  type EncodedMessage,
  ROUTE_BYTES,
  type Route,
  readRoute,
  smallMessage,
  writeRoute,
} from './message.ts';
import { type HeldKind, heldNameBytes } from './held.ts';

export const DROP_NAMES_MAX = 50;

export interface CopyBegin {
  readonly type: 'copyBegin';
  readonly route: Route;
}

export interface CopyReady {
  readonly type: 'copyReady';
  /** No promise given under an earlier epoch has a ballot whose clock lies above it. */
  readonly bound: number;
  readonly uploads: number;
}

export interface TakeFloor {
  readonly type: 'takeFloor';
  readonly route: Route;
  /** Nothing at or below it is taken any more. */
  readonly clock: number;
}

export interface Drop {
  readonly type: 'drop';
  readonly route: Route;
  readonly kind: HeldKind;
  /** At most DROP_NAMES_MAX. */
  readonly names: readonly Buffer[];
}

export interface Dropped {
  readonly type: 'dropped';
  /** Whether something is left: ask again. */
  readonly more: boolean;
}

export function encodeCopyBegin({ route }: CopyBegin): EncodedMessage {
  return smallMessage(frameTypes.copyBegin, ROUTE_BYTES, (into) => writeRoute(into, route));
}

export function decodeCopyBegin(payload: Buffer): CopyBegin {
  const from = new ByteReader(payload, 'protocol-violation');
  const route = readRoute(from);
  from.end();
  return { type: 'copyBegin', route };
}

export function encodeCopyReady({ bound, uploads }: CopyReady): EncodedMessage {
  return smallMessage(frameTypes.copyReady, 12, (into) => into.u64(bound).u32(uploads));
}

export function decodeCopyReady(payload: Buffer): CopyReady {
  const from = new ByteReader(payload, 'protocol-violation');
  const bound = from.u64();
  const uploads = from.u32();
  from.end();
  return { type: 'copyReady', bound, uploads };
}

export function encodeTakeFloor({ route, clock }: TakeFloor): EncodedMessage {
  return smallMessage(frameTypes.takeFloor, ROUTE_BYTES + 8, (into) => writeRoute(into, route).u64(clock));
}

export function decodeTakeFloor(payload: Buffer): TakeFloor {
  const from = new ByteReader(payload, 'protocol-violation');
  const route = readRoute(from);
  const clock = from.u64();
  from.end();
  return { type: 'takeFloor', route, clock };
}

export function encodeDrop({ route, kind, names }: Drop): EncodedMessage {
  const bytes = ROUTE_BYTES + 3 + names.length * heldNameBytes(kind);
  return smallMessage(frameTypes.drop, bytes, (into) => {
    writeRoute(into, route)
      .u8(kind === 'shards' ? 0 : 1)
      .u16(names.length);
    for (const name of names) into.raw(name);
    return into;
  });
}

export function decodeDrop(payload: Buffer): Drop {
  const from = new ByteReader(payload, 'protocol-violation');
  const route = readRoute(from);
  const kind = from.flag() ? 'blobs' : 'shards';
  const count = from.u16();
  if (count > DROP_NAMES_MAX) throw from.violation(`${count} names to drop`);
  const names = Array.from({ length: count }, () => from.raw(heldNameBytes(kind)));
  from.end();
  return { type: 'drop', route, kind, names };
}

export function encodeDropped({ more }: Dropped): EncodedMessage {
  return smallMessage(frameTypes.dropped, 1, (into) => into.u8(more ? 1 : 0));
}

export function decodeDropped(payload: Buffer): Dropped {
  const from = new ByteReader(payload, 'protocol-violation');
  const more = from.flag();
  from.end();
  return { type: 'dropped', more };
}
