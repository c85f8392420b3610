/**
 * How a storage node is asked, wherever it is: over a connection (`NodeClient`), or within this process, where nothing is
 * encoded and no body is copied.
 */
import type { HoldfastError } from '#common/errors.ts';
import type { DeviceId } from '#common/ids.ts';
import type { Accept } from './messages/accept.ts';
import type { BlobCreate, BlobRead } from './messages/blob.ts';
import type { List } from './messages/list.ts';
import type { EncodedMessage } from './messages/message.ts';
import type { Prepare } from './messages/prepare.ts';
import type { Read } from './messages/read.ts';
import type { NodeReply } from './node-reply.ts';

/** What every read and write of a record is made of. */
export type RegisterRequest = Prepare | Accept | Read;

export interface BlobUploadEvents {
  /** The upload has failed; no further call follows. */
  failed(error: HoldfastError): void;
  /** More can be sent than before. */
  credited(): void;
  /** The blob is durable on the device. */
  committed(): void;
}

/** The sending side of one blob on one device. */
export interface BlobUpload {
  readonly device: DeviceId;
  readonly creditBytes: number;
  readonly hasEnded: boolean;
  /** Whether it keeps the sums that the sender made, and makes none of its own. */
  readonly takesBlockSums: boolean;
  /**
   * Needs credit for the whole chunk; `taken` when its memory may be used again.
   * @param blockSums of the blocks that end in this chunk (`BlockSummer`), when they are taken.
   */
  send(chunk: Buffer, taken: () => void, blockSums: readonly number[] | undefined): void;
  /** @param openBlockSum of the last block, when it is shorter than the others and sums are taken. */
  commit(openBlockSum: number | undefined): void;
  cancel(): void;
}

export interface BlobDownloadEvents {
  /** The next bytes; the callee gives the buffer back by `release`, which also grants the node credit for more. */
  data(chunk: Buffer): void;
  /** Every byte has been handed over. */
  ended(): void;
  failed(error: HoldfastError): void;
}

/** The receiving side of a range of one blob from one device. */
export interface BlobDownload {
  readonly device: DeviceId;
  /** Ends the use of a chunk that `data` gave. */
  release(chunk: Buffer): void;
  cancel(): void;
}

export interface NodeAccess {
  /** Asks a register. `answered` is called exactly once, never before `ask` has returned. */
  ask(device: DeviceId, request: RegisterRequest, answered: (reply: NodeReply) => void): void;
  /** Asks for rows of a shard, under the same rule. */
  list(device: DeviceId, list: List, answered: (reply: NodeReply) => void): void;
  /** Sends any request that has one answer, under the same rule. */
  request(device: DeviceId, message: EncodedMessage, answered: (reply: NodeReply) => void): void;
  upload(device: DeviceId, create: BlobCreate, events: BlobUploadEvents): BlobUpload;
  download(device: DeviceId, read: BlobRead, events: BlobDownloadEvents): BlobDownload;
}

/** The devices of this process. */
export interface LocalNode extends NodeAccess {
  serves(device: DeviceId): boolean;
}
