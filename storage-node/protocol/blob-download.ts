/** The receiving side of a range of one blob from one device of another process. */
import { HoldfastError } from '#common/errors.ts';
import type { DeviceId } from '#common/ids.ts';
import { frameTypes } from './frame.ts';
import { type BlobRead, encodeBlobRead, encodeCredit } from './messages/blob.ts';
import { decodeFailed } from './messages/failed.ts';
import { emptyMessage } from './messages/message.ts';
import type { BlobDownload, BlobDownloadEvents } from './node-access.ts';
import type { ClientStream, NodeClient } from './node-client.ts';

export class RemoteBlobDownload implements BlobDownload {
  readonly device: DeviceId;
  readonly #client: NodeClient;
  readonly #events: BlobDownloadEvents;
  #stream: ClientStream | undefined;
  #leftBytes: number;
  #ended = false;

  constructor(client: NodeClient, device: DeviceId, read: BlobRead, events: BlobDownloadEvents) {
    this.device = device;
    this.#client = client;
    this.#events = events;
    this.#leftBytes = read.end - read.start;
    const handler = {
      frame: (type: number, payload: Buffer): void => this.#frame(type, payload),
      failed: (error: HoldfastError): void => this.#fail(error),
    };
    client.stream(device, encodeBlobRead(read), handler, (stream) => {
      this.#stream = stream;
      if (this.#ended) queueMicrotask(() => this.#giveUp());
    });
  }

  release(chunk: Buffer): void {
    const { length } = chunk;
    this.#client.buffers.give(chunk);
    if (!this.#ended && this.#leftBytes > 0) this.#stream?.send(encodeCredit(length));
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
    if (type === frameTypes.blobData) {
      this.#leftBytes -= payload.length;
      if (this.#leftBytes < 0)
        throw new HoldfastError('protocol-violation', 'more bytes than were asked for');
      if (this.#ended) this.#client.buffers.give(payload);
      else this.#events.data(payload);
    } else if (type === frameTypes.blobEnd) {
      if (this.#leftBytes > 0)
        throw new HoldfastError('protocol-violation', 'fewer bytes than were asked for');
      this.#end();
      this.#events.ended();
    } else if (type === frameTypes.failed) {
      this.#fail(decodeFailed(payload).error);
    } else {
      throw new HoldfastError('protocol-violation', `message type ${type} answers no download`);
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
