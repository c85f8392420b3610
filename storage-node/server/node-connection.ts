/** One peer's connection to this node: the handshake, then requests handed to the device they name. */
import { HoldfastError } from '#common/errors.ts';
import type { Clock, Timer } from '#common/io/clock.ts';
import type { Connection } from '#common/io/network.ts';
import type { Logger } from '#common/log/logger.ts';
import { TransientMap } from '#common/transients.ts';
import type { DataBuffers } from '../protocol/data-buffers.ts';
import { FramedConnection } from '../protocol/framed-connection.ts';
import { type FrameType, frameTypes } from '../protocol/frame.ts';
import { HANDSHAKE_MS_MAX, ServerHandshake } from '../protocol/handshake.ts';
import {
  decodeBlobCommit,
  decodeBlobCreate,
  decodeBlobRead,
  decodeCredit,
  encodeCredit,
} from '../protocol/messages/blob.ts';
import { encodeFailed } from '../protocol/messages/failed.ts';
import { type EncodedMessage, type Route, emptyMessage } from '../protocol/messages/message.ts';
import { type DeviceOf, answerRequest } from './answer-request.ts';
import { BlobReceiver } from './blob-receiver.ts';
import { BlobSender } from './blob-sender.ts';

/** Blob streams that one peer may have open here. */
const BLOB_STREAMS_MAX = 256;

export interface NodeConnectionContext {
  readonly clock: Clock;
  readonly log: Logger;
  readonly clusterKey: Buffer;
  readonly buffers: DataBuffers;
  readonly nonce: Buffer;
  readonly device: DeviceOf;
  /** Waits for the ring of a sender that is ahead. */
  readonly catchUp: (route: Route) => Promise<void>;
  readonly closed: (connection: NodeConnection) => void;
}

export class NodeConnection {
  readonly #context: NodeConnectionContext;
  readonly #framed: FramedConnection;
  readonly #handshake: ServerHandshake;
  readonly #deadline: Timer;
  #trusted = false;
  readonly #receivers = new TransientMap<number, BlobReceiver>();
  readonly #senders = new TransientMap<number, BlobSender>();

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
        else receiver.data(payload, () => this.#context.buffers.give(payload));
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
    if (type === frameTypes.blobCreate) this.#receive(stream, device, payload, 'upload');
    else if (type === frameTypes.blobCopy) this.#receive(stream, device, payload, 'any');
    else if (type === frameTypes.blobRead) this.#send(stream, device, payload);
    else this.#answer(type, stream, device, payload);
  }

  /** With FAILED when it throws; an immediate answer costs no promise. */
  #answer(type: FrameType, stream: number, device: number, payload: Buffer): void {
    const send = (message: EncodedMessage): void => this.#framed.send(message, device, stream);
    const fail = (error: unknown): void => this.#fail(error, device, stream);
    try {
      const answer = answerRequest(this.#context.device, type, device, payload);
      if (answer instanceof Promise) answer.then(send, fail);
      else send(answer);
    } catch (error) {
      // Whoever breaks the protocol is cut off.
      if (error instanceof HoldfastError && error.code === 'protocol-violation') throw error;
      fail(error);
    }
  }

  #fail(error: unknown, device: number, stream: number): void {
    if (!(error instanceof HoldfastError))
      this.#context.log.error('a request failed unexpectedly', { error });
    this.#framed.send(encodeFailed(error), device, stream);
  }

  #receive(stream: number, device: number, payload: Buffer, standing: 'upload' | 'any'): void {
    const message = decodeBlobCreate(Buffer.from(payload));
    this.#boundStreams();
    const send = (answer: EncodedMessage): void => this.#framed.send(answer, device, stream);
    const receiver = new BlobReceiver(
      {
        written: (bytes) => send(encodeCredit(bytes)),
        committed: () => send(emptyMessage(frameTypes.blobCommitted)),
        failed: (error) => this.#fail(error, device, stream),
        ended: () => this.#receivers.delete(stream),
      },
      async () => {
        await this.#context.catchUp(message.route);
        return await this.#context.device(device, message.route, standing).createBlob(message);
      },
    );
    this.#receivers.set(stream, receiver);
  }

  #send(stream: number, device: number, payload: Buffer): void {
    const message = decodeBlobRead(payload);
    this.#boundStreams();
    const sender = new BlobSender(
      this.#context.buffers,
      {
        data: (chunk, taken) => this.#framed.sendData(chunk, device, stream, taken),
        sent: () => this.#framed.send(emptyMessage(frameTypes.blobEnd), device, stream),
        failed: (error) => this.#fail(error, device, stream),
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
