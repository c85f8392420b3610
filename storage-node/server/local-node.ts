/**
 * The devices of this process, asked without a wire: nothing is encoded, and bodies go from the caller's memory to the
 * disk. The rules are those of a connection: credit, limits, an answer after the call that asked.
 */
import type { DeviceId } from '#common/ids.ts';
import { DataBuffers } from '../protocol/data-buffers.ts';
import type { BlobCreate, BlobRead } from '../protocol/messages/blob.ts';
import type { List } from '../protocol/messages/list.ts';
import type { EncodedMessage, Route } from '../protocol/messages/message.ts';
import { HEADER_BYTES } from '../protocol/frame.ts';
import type {
  BlobDownload,
  BlobDownloadEvents,
  BlobUpload,
  BlobUploadEvents,
  LocalNode,
  RegisterRequest,
} from '../protocol/node-access.ts';
import { type NodeReply, decodeReply } from '../protocol/node-reply.ts';
import { type DeviceOf, answerRequest } from './answer-request.ts';
import { asHoldfastError } from './local-failure.ts';
import { LocalDownload } from './local-download.ts';
import { LocalUpload } from './local-upload.ts';
import { listRows } from './list-rows.ts';
import type { RegisterReply } from './register-service.ts';

export interface LocalNodeContext {
  readonly device: DeviceOf;
  /** Waits for the ring of a sender that is ahead. */
  readonly catchUp: (route: Route) => Promise<void>;
  readonly serves: (device: DeviceId) => boolean;
}

export class DevicesHere implements LocalNode {
  readonly #context: LocalNodeContext;
  readonly #buffers = new DataBuffers();

  constructor(context: LocalNodeContext) {
    this.#context = context;
  }

  serves(device: DeviceId): boolean {
    return this.#context.serves(device);
  }

  ask(device: DeviceId, request: RegisterRequest, answered: (reply: NodeReply) => void): void {
    let reply: RegisterReply | Promise<RegisterReply>;
    try {
      reply = this.#askRegisters(device, request);
    } catch (error) {
      queueMicrotask(() => answered(failure(error)));
      return;
    }
    if (reply instanceof Promise) {
      reply.then(answered, (error: unknown) => answered(failure(error)));
    } else {
      const immediate = reply;
      queueMicrotask(() => answered(immediate));
    }
  }

  list(device: DeviceId, list: List, answered: (reply: NodeReply) => void): void {
    const run = async (): Promise<NodeReply> =>
      listRows(this.#context.device(device, list.route, 'any').engine, list);
    run().then(answered, (error: unknown) => answered(failure(error)));
  }

  request(device: DeviceId, message: EncodedMessage, answered: (reply: NodeReply) => void): void {
    const payload = Buffer.concat([message.head.subarray(HEADER_BYTES), ...message.rest]);
    const run = async (): Promise<NodeReply> => {
      const reply = await answerRequest(this.#context.device, message.type, device, payload);
      return decodeReply(reply.type, Buffer.concat([reply.head.subarray(HEADER_BYTES), ...reply.rest]));
    };
    run().then(answered, (error: unknown) => answered(failure(error)));
  }

  upload(device: DeviceId, create: BlobCreate, events: BlobUploadEvents): BlobUpload {
    return new LocalUpload(device, events, async () => {
      const standing = create.copies === true ? 'any' : 'upload';
      await this.#context.catchUp(create.route);
      return await this.#context.device(device, create.route, standing).createBlob(create);
    });
  }

  download(device: DeviceId, read: BlobRead, events: BlobDownloadEvents): BlobDownload {
    return new LocalDownload(device, read, events, this.#buffers, () =>
      this.#context.device(device, read.route).engine.openBlob(read.id),
    );
  }

  #askRegisters(device: DeviceId, request: RegisterRequest): RegisterReply | Promise<RegisterReply> {
    const { registers } = this.#context.device(device, request.route);
    if (request.type === 'prepare') return registers.prepare(request);
    return request.type === 'accept' ? registers.accept(request) : registers.read(request);
  }
}

function failure(error: unknown): NodeReply & { readonly type: 'failed' } {
  return { type: 'failed', error: asHoldfastError(error) };
}
