/** The sending side of one blob on one device of another process: credit, data, commit. */
import { HoldfastError } from '#common/errors.ts';
import type { DeviceId } from '#common/ids.ts';
import { frameTypes } from './frame.ts';
import {
  type BlobCreate,
  WINDOW_BYTES,
  decodeCredit,
  encodeBlobCommit,
  encodeBlobCreate,
} from './messages/blob.ts';
import { decodeFailed } from './messages/failed.ts';
import { emptyMessage } from './messages/message.ts';
import type { BlobUpload, BlobUploadEvents } from './node-access.ts';
import type { ClientStream, NodeClient } from './node-client.ts';

export class RemoteBlobUpload implements BlobUpload {
  readonly device: DeviceId;
  /** What a wire has carried is summed again where it arrives. */
  readonly takesBlockSums = false;
  readonly #events: BlobUploadEvents;
  #stream: ClientStream | undefined;
  #creditBytes = 0;
  #sentBytes = 0;
  #ended = false;

  constructor(client: NodeClient, device: DeviceId, create: BlobCreate, events: BlobUploadEvents) {
    this.device = device;
    this.#events = events;
    const handler = {
      frame: (type: number, payload: Buffer): void => this.#frame(type, payload),
      failed: (error: HoldfastError): void => this.#fail(error),
    };
    client.stream(device, encodeBlobCreate(create), handler, (stream) => {
      this.#stream = stream;
      if (this.#ended) {
        // Cancelled while the connection was being made: the node must not be left with half a blob.
        queueMicrotask(() => this.#giveUp());
        return;
      }
      this.#creditBytes = WINDOW_BYTES;
      // The first message goes out behind this call.
      queueMicrotask(() => this.#events.credited());
    });
  }

  get creditBytes(): number {
    return this.#creditBytes;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  send(chunk: Buffer, taken: () => void): void {
    if (this.#ended || this.#stream === undefined || chunk.length > this.#creditBytes) {
      throw new Error('data was sent without credit');
    }
    this.#creditBytes -= chunk.length;
    this.#sentBytes += chunk.length;
    this.#stream.sendData(chunk, taken);
  }

  commit(): void {
    this.#stream?.send(encodeBlobCommit(this.#sentBytes));
  }

  cancel(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#giveUp();
  }

  #giveUp(): void {
    this.#stream?.send(emptyMessage(frameTypes.cancel));
    this.#stream?.close();
  }

  #frame(type: number, payload: Buffer): void {
    if (this.#ended) return;
    if (type === frameTypes.credit) {
      this.#creditBytes += decodeCredit(payload);
      this.#events.credited();
    } else if (type === frameTypes.blobCommitted) {
      this.#end();
      this.#events.committed();
    } else if (type === frameTypes.failed) {
      this.#fail(decodeFailed(payload).error);
    } else {
      throw new HoldfastError('protocol-violation', `message type ${type} answers no upload`);
    }
  }

  #fail(error: HoldfastError): void {
    if (this.#ended) return;
    this.#end();
    this.#events.failed(error);
  }

  #end(): void {
    this.#ended = true;
    this.#stream?.close();
  }
}
