/** A range of one blob from a device of this process. */
import { HoldfastError } from '#common/errors.ts';
import type { DeviceId } from '#common/ids.ts';
import type { BlobSource } from '../engine/device-engine.ts';
import type { DataBuffers } from '../protocol/data-buffers.ts';
import type { BlobRead } from '../protocol/messages/blob.ts';
import type { BlobDownload, BlobDownloadEvents } from '../protocol/node-access.ts';
import { BlobSender } from './blob-sender.ts';
import { asHoldfastError } from './local-failure.ts';

export class LocalDownload implements BlobDownload {
  readonly device: DeviceId;
  readonly #sender: BlobSender;
  /** A few at a time. */
  readonly #lent: { readonly chunk: Buffer; readonly taken: () => void }[] = [];
  #ended = false;

  constructor(
    device: DeviceId,
    read: BlobRead,
    events: BlobDownloadEvents,
    buffers: DataBuffers,
    open: () => Promise<BlobSource>,
  ) {
    this.device = device;
    const senderEvents = {
      data: (chunk: Buffer, taken: () => void): void => {
        if (this.#ended) {
          taken();
          return;
        }
        this.#lent.push({ chunk, taken });
        events.data(chunk);
      },
      sent: () => {
        if (this.#ended) return;
        this.#ended = true;
        events.ended();
      },
      failed: (error: unknown) => {
        if (this.#ended) return;
        this.#ended = true;
        events.failed(asHoldfastError(error));
      },
      ended: () => {},
    };
    this.#sender = new BlobSender(buffers, senderEvents, read, async () => open());
  }

  release(chunk: Buffer): void {
    const at = this.#lent.findIndex((lent) => lent.chunk === chunk);
    const [lent] = at < 0 ? [] : this.#lent.splice(at, 1);
    if (lent === undefined) throw new HoldfastError('aborted', 'a chunk was given back that nobody lent');
    const { length } = chunk;
    lent.taken();
    this.#sender.credit(length);
  }

  cancel(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#sender.cancel();
  }
}
