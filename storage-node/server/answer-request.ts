/** Requests with one answer, handed to the device they name. */
import { HoldfastError } from '#common/errors.ts';
import { type FrameType, frameTypes } from '../protocol/frame.ts';
import { decodeAccept, encodeAccepted, encodeRefused } from '../protocol/messages/accept.ts';
import { decodeBlobDelete, encodeBlobDeleted } from '../protocol/messages/blob.ts';
import {
  decodeCopyBegin,
  decodeDrop,
  decodeTakeFloor,
  encodeCopyReady,
  encodeDropped,
} from '../protocol/messages/copy.ts';
import { type Count, decodeCount, encodeCounts } from '../protocol/messages/count.ts';
import { decodeHeld, encodeNames } from '../protocol/messages/held.ts';
import { decodeLearn } from '../protocol/messages/learn.ts';
import { decodeListBlobs, encodeBlobs } from '../protocol/messages/list-blobs.ts';
import { decodeList, encodeRows } from '../protocol/messages/list.ts';
import type { EncodedMessage, Route } from '../protocol/messages/message.ts';
import { decodePrepare, encodePromised } from '../protocol/messages/prepare.ts';
import { decodePurge, encodePurged } from '../protocol/messages/purge.ts';
import { decodeRepair } from '../protocol/messages/repair.ts';
import { decodeRead, encodeBallotAnswer, encodeStateAnswer } from '../protocol/messages/read.ts';
import { decodeWalk, encodeWalked } from '../protocol/messages/walk.ts';
import type { DeviceService } from './device-service.ts';
import { dropHeld, listHeld } from './held-names.ts';
import { listRows } from './list-rows.ts';
import type { RegisterReply } from './register-service.ts';
import { listBlobs, walkRows } from './walk-rows.ts';

/**
 * What a request needs of the device that it names: that it decides on the partition; that it be asked under the partition's epoch, whatever
 * it is to it; that it be no voter; that it may be sent a blob.
 */
export type Standing = 'voter' | 'any' | 'stranger' | 'upload';

/** The device, when it is here and the route, if there is one, is the ring's. Throws `device-unknown`, `ring-outdated`. */
export type DeviceOf = (id: number, route?: Route, standing?: Standing) => DeviceService;

/**
 * Throws `protocol-violation` for what is no such request or is malformed, and what the device throws.
 * @param deviceOf throws `device-unknown`, `ring-outdated`.
 * @param payload copied where it has to last.
 */
export function answerRequest(
  deviceOf: DeviceOf,
  type: FrameType,
  device: number,
  payload: Buffer,
): EncodedMessage | Promise<EncodedMessage> {
  switch (type) {
    case frameTypes.prepare: {
      // Its key is kept when the ceiling has to rise first.
      const message = decodePrepare(Buffer.from(payload));
      return encoded(deviceOf(device, message.route).registers.prepare(message));
    }
    case frameTypes.accept: {
      const message = decodeAccept(Buffer.from(payload));
      return encoded(deviceOf(device, message.route).registers.accept(message));
    }
    case frameTypes.read: {
      const message = decodeRead(payload);
      return encodeRegisterReply(deviceOf(device, message.route, 'any').registers.read(message));
    }
    case frameTypes.list: {
      const message = decodeList(Buffer.from(payload));
      return listRows(deviceOf(device, message.route, 'any').engine, message).then(encodeRows);
    }
    case frameTypes.blobDelete: {
      const message = decodeBlobDelete(payload);
      return deviceOf(device, message.route).engine.deleteBlob(message.id).then(encodeBlobDeleted);
    }
    case frameTypes.count:
      return count(decodeCount(Buffer.from(payload)), (route) => deviceOf(device, route));
    case frameTypes.purge: {
      const message = decodePurge(Buffer.from(payload));
      return deviceOf(device, message.route).registers.purge(message).then(encodePurged);
    }
    case frameTypes.walk: {
      const message = decodeWalk(Buffer.from(payload));
      return walkRows(deviceOf(device).engine, message).then(encodeWalked);
    }
    case frameTypes.listBlobs: {
      const message = decodeListBlobs(payload);
      return listBlobs(deviceOf(device).engine, message).then(encodeBlobs);
    }
    default:
      return answerCopying(deviceOf, type, device, payload);
  }
}

/** What copies a partition to a device that joins it, and drops it where it was. */
async function answerCopying(
  deviceOf: DeviceOf,
  type: FrameType,
  device: number,
  payload: Buffer,
): Promise<EncodedMessage> {
  switch (type) {
    case frameTypes.copyBegin: {
      const { route } = decodeCopyBegin(payload);
      const { registers, uploads } = deviceOf(device, route);
      const bound = await registers.settled();
      return encodeCopyReady({ type: 'copyReady', bound, uploads: uploads.before(route) });
    }
    case frameTypes.takeFloor: {
      const { route, clock } = decodeTakeFloor(payload);
      await deviceOf(device, route).registers.takeFloor(clock);
      return encodeAccepted();
    }
    case frameTypes.learn: {
      const message = decodeLearn(Buffer.from(payload));
      return encodeRegisterReply(await deviceOf(device, message.route, 'any').registers.learn(message));
    }
    case frameTypes.repair: {
      const message = decodeRepair(Buffer.from(payload));
      return encodeRegisterReply(await deviceOf(device, message.route).registers.repair(message));
    }
    case frameTypes.held: {
      const message = decodeHeld(Buffer.from(payload));
      return encodeNames(await listHeld(deviceOf(device).engine, message));
    }
    case frameTypes.drop: {
      const { route, kind, names } = decodeDrop(Buffer.from(payload));
      const { registers, engine, uploads } = deviceOf(device, route, 'stranger');
      await registers.settled();
      const left = await dropHeld(engine, kind, names);
      return encodeDropped({ type: 'dropped', more: left || uploads.before(route) > 0 });
    }
    default:
      throw new HoldfastError('protocol-violation', `message type ${type} is no request`);
  }
}

function count({ shards }: Count, deviceOf: (route: Route) => DeviceService): EncodedMessage {
  const sums = shards.map(({ route, shard }) => deviceOf(route).engine.sums(shard));
  return encodeCounts({ type: 'counts', sums });
}

function encoded(reply: RegisterReply | Promise<RegisterReply>): EncodedMessage | Promise<EncodedMessage> {
  return reply instanceof Promise ? reply.then(encodeRegisterReply) : encodeRegisterReply(reply);
}

function encodeRegisterReply(reply: RegisterReply): EncodedMessage {
  switch (reply.type) {
    case 'promised':
      return encodePromised(reply);
    case 'accepted':
      return encodeAccepted();
    case 'refused':
      return encodeRefused(reply);
    case 'state':
      return encodeStateAnswer(reply);
    case 'ballot':
      return encodeBallotAnswer(reply);
  }
}
