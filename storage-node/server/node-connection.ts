/** One peer's connection to this node: the handshake, then requests handed to the device they name. */
import { HoldfastError } from '#common/errors.ts';
import type { Clock, Timer } from '#common/io/clock.ts';
import type { Connection } from '#common/io/network.ts';
import type { Logger } from '#common/log/logger.ts';
import type { DataBuffers } from '../protocol/data-buffers.ts';
import { FramedConnection } from '../protocol/framed-connection.ts';
import { type FrameType, frameTypes } from '../protocol/frame.ts';
import { HANDSHAKE_MS_MAX, ServerHandshake } from '../protocol/handshake.ts';
import { decodeAccept, encodeAccepted, encodeRefused } from '../protocol/messages/accept.ts';
import {
  decodeBlobCommit,
  decodeBlobCreate,
  decodeBlobDelete,
  decodeBlobRead,
  decodeCredit,
  encodeBlobDeleted,
} from '../protocol/messages/blob.ts';
import { encodeFailed } from '../protocol/messages/failed.ts';
import { decodeList, encodeRows } from '../protocol/messages/list.ts';
import type { EncodedMessage, Route } from '../protocol/messages/message.ts';
import { decodePrepare, encodePromised } from '../protocol/messages/prepare.ts';
import { decodeRead, encodeBallotAnswer, encodeStateAnswer } from '../protocol/messages/read.ts';
import { BlobReceiver } from './blob-receiver.ts';
import { BlobSender } from './blob-sender.ts';
import type { DeviceService } from './device-service.ts';
import { listRows } from './list-rows.ts';
import type { RegisterReply } from './register-service.ts';

/** Blob streams that one peer may have open here. */
const BLOB_STREAMS_MAX = 256;

export interface NodeConnectionContext {
  readonly clock: Clock;
  readonly log: Logger;
  readonly clusterKey: Buffer;
  readonly buffers: DataBuffers;
  readonly nonce: Buffer;
  /** The device, when it is here and the route's epoch is the ring's; throws `device-unknown`, `ring-outdated`. */
  readonly device: (id: number, route: Route) => DeviceService;
  readonly closed: (connection: NodeConnection) => void;
}

export class NodeConnection {
  readonly #context: NodeConnectionContext;
  readonly #framed: FramedConnection;
  readonly #handshake: ServerHandshake;
  readonly #deadline: Timer;
  #trusted = false;
  readonly #receivers = new Map<number, BlobReceiver>();
  readonly #senders = new Map<number, BlobSender>();

  constructor(connection: Connection, context: NodeConnectionContext) {
    this.#context = context;
    this.#handshake = new ServerHandshake(context.clusterKey, context.nonce);
    this.#deadline = context.clock.after(HANDSHAKE_MS_MAX, () => this.#framed.close());
    this.#framed = new FramedConnection(connection, context.buffers, {
      frame: (type, stream, device, payload) => this.#frame(type, stream, device, payload),
      closed: (error) => this.#closed(error),
    });
  }

  end(): void {
    this.#framed.end();
  }

  #closed(error: Error | undefined): void {
    this.#deadline.cancel();
    if (error instanceof HoldfastError) {
      this.#context.log.warn('a peer was cut off', { peer: this.#framed.remote, error });
    }
    for (const receiver of this.#receivers.values()) receiver.cancel();
    for (const sender of this.#senders.values()) sender.cancel();
    this.#context.closed(this);
  }

  #frame(type: FrameType, stream: number, device: number, payload: Buffer): void {
    if (!this.#trusted) {
      const { send, done } = this.#handshake.answer(type, payload);
      if (done) {
        this.#trusted = true;
        this.#deadline.cancel();
      }
      this.#framed.send(send, 0, stream);
      return;
    }
    if (!this.#ofStream(type, stream, payload)) this.#request(type, stream, device, payload);
  }

  /** Messages of a stream that is open, or was a moment ago. */
  #ofStream(type: FrameType, stream: number, payload: Buffer): boolean {
    switch (type) {
      case frameTypes.blobData: {
        const receiver = this.#receivers.get(stream);
        if (receiver === undefined) this.#context.buffers.give(payload);
        else receiver.data(payload);
        return true;
      }
      case frameTypes.blobCommit:
        this.#receivers.get(stream)?.commit(decodeBlobCommit(payload));
        return true;
      case frameTypes.credit:
        this.#senders.get(stream)?.credit(decodeCredit(payload));
        return true;
      case frameTypes.cancel:
        this.#receivers.get(stream)?.cancel();
        this.#senders.get(stream)?.cancel();
        return true;
      default:
        return false;
    }
  }

  #request(type: FrameType, stream: number, device: number, payload: Buffer): void {
    const context = this.#context;
    const answer = this.#answering(device, stream);
    switch (type) {
      case frameTypes.prepare: {
        // Its key is kept when the ceiling has to rise first.
        const message = decodePrepare(Buffer.from(payload));
        return answer(() => encoded(context.device(device, message.route).registers.prepare(message)));
      }
      case frameTypes.accept: {
        const message = decodeAccept(Buffer.from(payload));
        return answer(() => encoded(context.device(device, message.route).registers.accept(message)));
      }
      case frameTypes.read: {
        const message = decodeRead(payload);
        return answer(() =>
          encodeRegisterReply(context.device(device, message.route).registers.read(message)),
        );
      }
      case frameTypes.list: {
        const message = decodeList(Buffer.from(payload));
        return answer(() => listRows(context.device(device, message.route).engine, message).then(encodeRows));
      }
      case frameTypes.blobDelete: {
        const message = decodeBlobDelete(payload);
        return answer(() =>
          context.device(device, message.route).engine.deleteBlob(message.id).then(encodeBlobDeleted),
        );
      }
      case frameTypes.blobCreate:
        return this.#receive(stream, device, payload);
      case frameTypes.blobRead:
        return this.#send(stream, device, payload);
      default:
        throw new HoldfastError('protocol-violation', `message type ${type} is no request`);
    }
  }

  /** Runs a request and answers it, with FAILED when it throws; an immediate answer costs no promise. */
  #answering(device: number, stream: number): (run: () => EncodedMessage | Promise<EncodedMessage>) => void {
    const send = (message: EncodedMessage): void => this.#framed.send(message, device, stream);
    const fail = (error: unknown): void => {
      if (!(error instanceof HoldfastError))
        this.#context.log.error('a request failed unexpectedly', { error });
      send(encodeFailed(error));
    };
    return (run) => {
      try {
        const answer = run();
        if (answer instanceof Promise) answer.then(send, fail);
        else send(answer);
      } catch (error) {
        fail(error);
      }
    };
  }

  #receive(stream: number, device: number, payload: Buffer): void {
    const message = decodeBlobCreate(Buffer.from(payload));
    this.#boundStreams();
    const receiver = new BlobReceiver(
      {
        buffers: this.#context.buffers,
        send: (answer) => this.#framed.send(answer, device, stream),
        ended: () => this.#receivers.delete(stream),
      },
      async () => this.#context.device(device, message.route).engine.createBlob(message.id, message.owner),
    );
    this.#receivers.set(stream, receiver);
  }

  #send(stream: number, device: number, payload: Buffer): void {
    const message = decodeBlobRead(payload);
    this.#boundStreams();
    const sender = new BlobSender(
      {
        buffers: this.#context.buffers,
        send: (answer) => this.#framed.send(answer, device, stream),
        sendData: (chunk, taken) => this.#framed.sendData(chunk, device, stream, taken),
        ended: () => this.#senders.delete(stream),
      },
      message,
      async () => this.#context.device(device, message.route).engine.openBlob(message.id),
    );
    this.#senders.set(stream, sender);
  }

  #boundStreams(): void {
    if (this.#receivers.size + this.#senders.size > BLOB_STREAMS_MAX + 64) {
      throw new HoldfastError('protocol-violation', 'too many streams are open');
    }
  }
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
