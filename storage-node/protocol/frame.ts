/** The frame of the data plane: docs/formats/protocol.md. */
import { crc32c } from '@node-rs/crc32';
import { HoldfastError } from '#common/errors.ts';

export const PROTOCOL_VERSION = 2;
export const HEADER_BYTES = 16;
export const PAYLOAD_BYTES_MAX = 1 << 20;
export const DATA_BYTES_MAX = 256 << 10;

/** The numbers are on the wire: never reuse one. */
export const frameTypes = {
  hello: 1,
  challenge: 2,
  proof: 3,
  welcome: 4,
  prepare: 16,
  accept: 17,
  read: 18,
  list: 19,
  promised: 24,
  accepted: 25,
  refused: 26,
  state: 27,
  ballot: 28,
  rows: 29,
  blobCreate: 32,
  blobData: 33,
  blobCommit: 34,
  blobCommitted: 35,
  blobRead: 36,
  blobEnd: 37,
  blobDelete: 38,
  blobDeleted: 39,
  credit: 40,
  cancel: 41,
  listBlobs: 42,
  blobs: 43,
  count: 44,
  counts: 45,
  walk: 46,
  walked: 47,
  failed: 48,
  purge: 50,
  purged: 51,
  copyBegin: 52,
  copyReady: 53,
  takeFloor: 54,
  learn: 55,
  held: 56,
  names: 57,
  drop: 58,
  dropped: 59,
  blobCopy: 60,
  repair: 61,
} as const;
export type FrameType = (typeof frameTypes)[keyof typeof frameTypes];

const knownTypes = new Set<number>(Object.values(frameTypes));

export interface FrameHeader {
  readonly length: number;
  readonly type: FrameType;
  readonly device: number;
  readonly stream: number;
  readonly checksum: number;
}

/**
 * Completes the header at the beginning of `head`, which may hold the payload's beginning behind it.
 * @param rest the payload's further bytes, sent behind `head` without a copy.
 */
export function sealFrame(
  head: Buffer,
  type: FrameType,
  device: number,
  stream: number,
  rest: readonly Uint8Array[] = [],
): void {
  let length = head.length - HEADER_BYTES;
  for (const chunk of rest) length += chunk.length;
  if (length > PAYLOAD_BYTES_MAX)
    throw new RangeError(`a frame's payload has at most ${PAYLOAD_BYTES_MAX} bytes`);
  head.writeUInt32BE(length, 0);
  head[4] = PROTOCOL_VERSION;
  head[5] = type;
  head.writeUInt16BE(device, 6);
  head.writeUInt32BE(stream, 8);
  head.writeUInt32BE(0, 12);
  // The checksum's own field is skipped: the first 12 bytes, then all behind the header.
  let checksum = crc32c(head.subarray(0, 12));
  if (head.length > HEADER_BYTES) checksum = crc32c(head.subarray(HEADER_BYTES), checksum);
  for (const chunk of rest) checksum = crc32c(chunk, checksum);
  head.writeUInt32BE(checksum, 12);
}

/** Reads and bounds a header; throws `protocol-violation`. */
export function readHeader(from: Buffer, offset: number): FrameHeader {
  const length = from.readUInt32BE(offset);
  if (length > PAYLOAD_BYTES_MAX) throw new HoldfastError('protocol-violation', `a frame of ${length} bytes`);
  if (from[offset + 4] !== PROTOCOL_VERSION) {
    throw new HoldfastError('protocol-violation', `protocol version ${from[offset + 4]} is not spoken here`);
  }
  const type = from[offset + 5] as number;
  if (!knownTypes.has(type)) throw new HoldfastError('protocol-violation', `unknown message type ${type}`);
  return {
    length,
    type: type as FrameType,
    device: from.readUInt16BE(offset + 6),
    stream: from.readUInt32BE(offset + 8),
    checksum: from.readUInt32BE(offset + 12),
  };
}

/** Whether the checksum fits the header at `offset` of `head` and its payload. */
export function checksumFits(head: Buffer, offset: number, payload: Uint8Array, checksum: number): boolean {
  const first = crc32c(head.subarray(offset, offset + 12));
  return (payload.length > 0 ? crc32c(payload, first) : first) === checksum;
}
