/**
 * The messages of blobs. BLOB_DATA frames are written by the streams themselves, without a copy.
 *
 * BLOB_CREATE, BLOB_COPY: route, blob id (16), owner key. BLOB_COMMIT: length (8). BLOB_READ: route, blob id, start (8), end (8),
 * window (4). BLOB_DELETE: route, blob id. BLOB_DELETED: existed (1). CREDIT: bytes (4).
 */
import { ByteReader } from '#common/codec/byte-reader.ts';
import type { RecordKey } from '#common/codec/record-key.ts';
import { type BlobId, blobId } from '#common/ids.ts';
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

const ID_BYTES = 16;
/** A writer's credit at the start, and the most a reader may ask for. */
export const WINDOW_BYTES = 1 << 20;

export interface BlobCreate {
  readonly route: Route;
  readonly id: BlobId;
  readonly owner: RecordKey;
  /** A copy of a blob that others have: BLOB_COPY, for which the device need not be a voter of the partition. */
  readonly copies?: boolean;
  /** Whether reads are expected of another replica. A hint for devices of the sender's own process: it is not on the wire. */
  readonly uncached?: boolean;
}

export interface BlobRead {
  readonly route: Route;
  readonly id: BlobId;
  readonly start: number;
  /** Excluded. */
  readonly end: number;
  readonly windowBytes: number;
}

export interface BlobDelete {
  readonly route: Route;
  readonly id: BlobId;
}

export function encodeBlobCreate(message: BlobCreate): EncodedMessage {
  const type = message.copies === true ? frameTypes.blobCopy : frameTypes.blobCreate;
  return smallMessage(type, ROUTE_BYTES + ID_BYTES + 2 + message.owner.length, (into) =>
    writeRoute(into, message.route).hex(message.id).short(message.owner),
  );
}

export function decodeBlobCreate(payload: Buffer): BlobCreate {
  const from = new ByteReader(payload, 'protocol-violation');
  const route = readRoute(from);
  const id = blobId(from.hex(ID_BYTES));
  const owner = readKey(from);
  from.end();
  return { route, id, owner };
}

export function encodeBlobCommit(lengthBytes: number): EncodedMessage {
  return smallMessage(frameTypes.blobCommit, 8, (into) => into.u64(lengthBytes));
}

export function decodeBlobCommit(payload: Buffer): number {
  const from = new ByteReader(payload, 'protocol-violation');
  const lengthBytes = from.u64();
  from.end();
  return lengthBytes;
}

export function encodeBlobRead(message: BlobRead): EncodedMessage {
  return smallMessage(frameTypes.blobRead, ROUTE_BYTES + ID_BYTES + 8 + 8 + 4, (into) =>
    writeRoute(into, message.route)
      .hex(message.id)
      .u64(message.start)
      .u64(message.end)
      .u32(message.windowBytes),
  );
}

export function decodeBlobRead(payload: Buffer): BlobRead {
  const from = new ByteReader(payload, 'protocol-violation');
  const route = readRoute(from);
  const id = blobId(from.hex(ID_BYTES));
  const start = from.u64();
  const end = from.u64();
  const windowBytes = from.u32();
  if (windowBytes < 1 || windowBytes > WINDOW_BYTES) throw from.violation(`a window of ${windowBytes} bytes`);
  if (start > end) throw from.violation('a range that ends before it starts');
  from.end();
  return { route, id, start, end, windowBytes };
}

export function encodeBlobDelete(message: BlobDelete): EncodedMessage {
  return smallMessage(frameTypes.blobDelete, ROUTE_BYTES + ID_BYTES, (into) =>
    writeRoute(into, message.route).hex(message.id),
  );
}

export function decodeBlobDelete(payload: Buffer): BlobDelete {
  const from = new ByteReader(payload, 'protocol-violation');
  const route = readRoute(from);
  const id = blobId(from.hex(ID_BYTES));
  from.end();
  return { route, id };
}

export function encodeBlobDeleted(existed: boolean): EncodedMessage {
  return smallMessage(frameTypes.blobDeleted, 1, (into) => into.u8(existed ? 1 : 0));
}

export function decodeBlobDeleted(payload: Buffer): boolean {
  const from = new ByteReader(payload, 'protocol-violation');
  const existed = from.flag();
  from.end();
  return existed;
}

export function encodeCredit(bytes: number): EncodedMessage {
  return smallMessage(frameTypes.credit, 4, (into) => into.u32(bytes));
}

export function decodeCredit(payload: Buffer): number {
  const from = new ByteReader(payload, 'protocol-violation');
  const bytes = from.u32();
  from.end();
  return bytes;
}
