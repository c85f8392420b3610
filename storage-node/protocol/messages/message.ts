/** What every message is made of; each file beside this one defines a request and its answers, grammar first. */
import { BALLOT_BYTES } from '#common/ballot.ts';
import { type ByteReader } from '#common/codec/byte-reader.ts';
import { ByteWriter } from '#common/codec/byte-writer.ts';
import { NAME_BYTES_MAX, type RecordKey, SHARD_PREFIX_BYTES } from '#common/codec/record-key.ts';
import {
  type AcceptedState,
  type AppliedOperation,
  COUNTED_BYTES_MAX,
  type Counted,
} from '#storage-node/protocol/accepted-state.ts';
import { type FrameType, HEADER_BYTES } from '../frame.ts';

/** Where a request belongs: its partition, and the partition's epoch in the sender's ring. */
export interface Route {
  readonly partition: number;
  readonly epoch: number;
}

/** A message on its way out: `head` begins with the room of the frame's header, `rest` follows without a copy. */
export interface EncodedMessage {
  readonly type: FrameType;
  readonly head: Buffer;
  readonly rest: readonly Uint8Array[];
}

export const ROUTE_BYTES = 8;
export const KEY_BYTES_MAX = SHARD_PREFIX_BYTES + NAME_BYTES_MAX;
export const HISTORY_MAX = 32;
export const OPERATION_ID_BYTES = 16;
/** Objects (1) and bytes (8). */
const COUNTED_BYTES = 9;
export const SUMMARY_BYTES_MAX = 4096;
export const CONTENT_BYTES_MAX = 960 << 10;

export function writeRoute(into: ByteWriter, route: Route): ByteWriter {
  return into.u32(route.partition).u32(route.epoch);
}

export function readRoute(from: ByteReader): Route {
  return { partition: from.u32(), epoch: from.u32() };
}

export function readKey(from: ByteReader): RecordKey {
  const key = from.short(KEY_BYTES_MAX);
  if (key.length < SHARD_PREFIX_BYTES) throw from.violation('a key is at least its shard');
  return key as RecordKey;
}

/** A message whose whole payload is small enough to be copied behind its header. */
export function smallMessage(
  type: FrameType,
  bytes: number,
  fill: (into: ByteWriter) => ByteWriter,
): EncodedMessage {
  return { type, head: fill(new ByteWriter(bytes, HEADER_BYTES)).done(), rest: [] };
}

export function emptyMessage(type: FrameType): EncodedMessage {
  return { type, head: Buffer.alloc(HEADER_BYTES), rest: [] };
}

/** Bytes of a state up to and without the bytes of its content. */
export function stateHeadBytes(state: AcceptedState): number {
  const historyBytes = state.history.length * (OPERATION_ID_BYTES + BALLOT_BYTES);
  return 2 * BALLOT_BYTES + 1 + COUNTED_BYTES + 1 + historyBytes + 2 + state.summary.length + 4;
}

export function writeStateHead(into: ByteWriter, state: AcceptedState): ByteWriter {
  into
    .ballot(state.ballot)
    .ballot(state.horizon)
    .u8(state.live ? 1 : 0)
    .u8(state.counted.objects)
    .u64(state.counted.bytes)
    .u8(state.history.length);
  for (const operation of state.history) into.hex(operation.id).ballot(operation.ballot);
  return into.short(state.summary).u32(state.content.length);
}

/** The state's buffers are slices of what is read: the caller has copied it when they must last. */
export function readState(from: ByteReader): AcceptedState {
  const ballot = from.ballot();
  const horizon = from.ballot();
  const live = from.flag();
  const counted = readCounted(from);
  const count = from.u8();
  if (count > HISTORY_MAX) throw from.violation(`a history of ${count} operations`);
  const history: AppliedOperation[] = [];
  for (let index = 0; index < count; index += 1) {
    history.push({ id: from.hex(OPERATION_ID_BYTES), ballot: from.ballot() });
  }
  const summary = from.short(SUMMARY_BYTES_MAX);
  const contentBytes = from.u32();
  if (contentBytes > CONTENT_BYTES_MAX) throw from.violation(`a content of ${contentBytes} bytes`);
  return { ballot, horizon, live, counted, history, summary, content: from.raw(contentBytes) };
}

function readCounted(from: ByteReader): Counted {
  const objects = from.u8();
  const bytes = from.u64();
  if (bytes > COUNTED_BYTES_MAX) throw from.violation(`a record that counts ${bytes} bytes`);
  return { objects, bytes };
}

/** Contents from here on travel without being copied behind the header. */
const COPY_BYTES_MAX = 1024;

/** A message that ends in a state: `before` writes what precedes it. */
export function stateMessage(
  type: FrameType,
  beforeBytes: number,
  before: (into: ByteWriter) => ByteWriter,
  state: AcceptedState,
): EncodedMessage {
  const copied = state.content.length <= COPY_BYTES_MAX;
  const bytes = beforeBytes + stateHeadBytes(state) + (copied ? state.content.length : 0);
  const into = writeStateHead(before(new ByteWriter(bytes, HEADER_BYTES)), state);
  if (copied) return { type, head: into.raw(state.content).done(), rest: [] };
  return { type, head: into.done(), rest: [state.content] };
}
