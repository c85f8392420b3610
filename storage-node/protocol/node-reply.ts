/** Every answer a node can give to a request that has one. */
import { HoldfastError } from '#common/errors.ts';
import { type FrameType, frameTypes } from './frame.ts';
import { type Accepted, type Refused, decodeRefused } from './messages/accept.ts';
import { decodeBlobDeleted } from './messages/blob.ts';
import { type Counts, decodeCounts } from './messages/count.ts';
import { type CopyReady, type Dropped, decodeCopyReady, decodeDropped } from './messages/copy.ts';
import { type Failed, decodeFailed } from './messages/failed.ts';
import { type Names, decodeNames } from './messages/held.ts';
import { type Blobs, decodeBlobs } from './messages/list-blobs.ts';
import { type Rows, decodeRows } from './messages/list.ts';
import { type Promised, decodePromised } from './messages/prepare.ts';
import {
  type BallotAnswer,
  type StateAnswer,
  decodeBallotAnswer,
  decodeStateAnswer,
} from './messages/read.ts';
import type { Purged } from './messages/purge.ts';
import { type Walked, decodeWalked } from './messages/walk.ts';

export interface BlobCommitted {
  readonly type: 'blobCommitted';
}

export interface BlobDeleted {
  readonly type: 'blobDeleted';
  readonly existed: boolean;
}

export type NodeReply =
  | Promised
  | Accepted
  | Refused
  | StateAnswer
  | BallotAnswer
  | Rows
  | Counts
  | Blobs
  | Walked
  | Purged
  | CopyReady
  | Names
  | Dropped
  | BlobCommitted
  | BlobDeleted
  | Failed;

/** @param payload copied where the reply keeps bytes of it. */
export function decodeReply(type: FrameType, payload: Buffer): NodeReply {
  switch (type) {
    case frameTypes.promised:
      return decodePromised(Buffer.from(payload));
    case frameTypes.accepted:
      return { type: 'accepted' };
    case frameTypes.refused:
      return decodeRefused(payload);
    case frameTypes.state:
      return decodeStateAnswer(Buffer.from(payload));
    case frameTypes.ballot:
      return decodeBallotAnswer(payload);
    case frameTypes.rows:
      return decodeRows(Buffer.from(payload));
    case frameTypes.counts:
      return decodeCounts(payload);
    case frameTypes.blobs:
      return decodeBlobs(Buffer.from(payload));
    case frameTypes.walked:
      return decodeWalked(Buffer.from(payload));
    case frameTypes.purged:
      return { type: 'purged' };
    case frameTypes.copyReady:
      return decodeCopyReady(payload);
    case frameTypes.names:
      return decodeNames(Buffer.from(payload));
    case frameTypes.dropped:
      return decodeDropped(payload);
    case frameTypes.blobCommitted:
      return { type: 'blobCommitted' };
    case frameTypes.blobDeleted:
      return { type: 'blobDeleted', existed: decodeBlobDeleted(payload) };
    case frameTypes.failed:
      return decodeFailed(payload);
    default:
      throw new HoldfastError('protocol-violation', `message type ${type} is no answer`);
  }
}
