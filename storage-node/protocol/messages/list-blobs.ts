/**
 * LIST_BLOBS: after (2 + n: a blob's id, or nothing for the first), limit (2). What one device has, whatever partition it is of.
 * Answered by BLOBS: more (1), count (2), and count times id (16), length (8), created (8), owner (2 + n).
 */
import { ByteReader } from '#common/codec/byte-reader.ts';
import { ByteWriter } from '#common/codec/byte-writer.ts';
import type { RecordKey } from '#common/codec/record-key.ts';
import { type BlobId, blobId } from '#common/ids.ts';
import { HEADER_BYTES, frameTypes } from '../frame.ts';
import { type EncodedMessage, readKey, smallMessage } from './message.ts';

const ID_BYTES = 16;
export const LIST_BLOBS_MAX = 1000;
/** The list is cut here, so that the answer fits a frame with the longest owner still to come. */
export const LIST_BLOBS_BYTES_MAX = 900 << 10;

export interface ListBlobs {
  readonly type: 'listBlobs';
  readonly after: BlobId | undefined;
  readonly limit: number;
}

export interface ListedBlob {
  readonly id: BlobId;
  readonly lengthBytes: number;
  /** Milliseconds since 1970, by the device's clock. */
  readonly createdMs: number;
  /** The key of the record that was to refer to it. */
  readonly owner: RecordKey;
}

export interface Blobs {
  readonly type: 'blobs';
  readonly blobs: readonly ListedBlob[];
  readonly more: boolean;
}

export function listedBlobBytes({ owner }: ListedBlob): number {
  return ID_BYTES + 8 + 8 + 2 + owner.length;
}

export function encodeListBlobs({ after, limit }: ListBlobs): EncodedMessage {
  const id = after === undefined ? Buffer.alloc(0) : Buffer.from(after, 'hex');
  return smallMessage(frameTypes.listBlobs, 2 + id.length + 2, (into) => into.short(id).u16(limit));
}

export function decodeListBlobs(payload: Buffer): ListBlobs {
  const from = new ByteReader(payload, 'protocol-violation');
  const id = from.short(ID_BYTES);
  if (id.length !== 0 && id.length !== ID_BYTES) throw from.violation(`a blob id of ${id.length} bytes`);
  const limit = from.u16();
  if (limit < 1 || limit > LIST_BLOBS_MAX) throw from.violation(`a limit of ${limit} blobs`);
  from.end();
  return { type: 'listBlobs', after: id.length === 0 ? undefined : blobId(id.toString('hex')), limit };
}

export function encodeBlobs({ blobs, more }: Blobs): EncodedMessage {
  let bytes = 3;
  for (const blob of blobs) bytes += listedBlobBytes(blob);
  const into = new ByteWriter(bytes, HEADER_BYTES).u8(more ? 1 : 0).u16(blobs.length);
  for (const { id, lengthBytes, createdMs, owner } of blobs) {
    into.hex(id).u64(lengthBytes).u64(createdMs).short(owner);
  }
  return { type: frameTypes.blobs, head: into.done(), rest: [] };
}

export function decodeBlobs(payload: Buffer): Blobs {
  const from = new ByteReader(payload, 'protocol-violation');
  const more = from.flag();
  const count = from.u16();
  if (count > LIST_BLOBS_MAX) throw from.violation(`${count} blobs`);
  const blobs = Array.from({ length: count }, () => ({
    id: blobId(from.hex(ID_BYTES)),
    lengthBytes: from.u64(),
    createdMs: from.u64(),
    owner: readKey(from),
  }));
  from.end();
  return { type: 'blobs', blobs, more };
}
