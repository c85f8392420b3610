/** One blob on its way to a device of this process: nothing between the sender's memory and the file. */
import type { DeviceId } from '#common/ids.ts';
import type { BlobSink } from '../engine/device-engine.ts';
import { WINDOW_BYTES } from '../protocol/messages/blob.ts';
import type { BlobUpload, BlobUploadEvents } from '../protocol/node-access.ts';
import { BlobReceiver } from './blob-receiver.ts';
import { asHoldfastError } from './local-failure.ts';

export class LocalUpload implements BlobUpload {
  readonly device: DeviceId;
  readonly takesBlockSums = true;
  readonly #receiver: BlobReceiver;
  #creditBytes = 0;
  #sentBytes = 0;
  #ended = false;

  constructor(device: DeviceId, events: BlobUploadEvents, create: () => Promise<BlobSink>) {
    this.device = device;
    const grant = (bytes: number): void => {
      if (this.#ended) return;
      this.#creditBytes += bytes;
      events.credited();
    };
    this.#receiver = new BlobReceiver(
      {
        written: grant,
        committed: () => {
          if (this.#ended) return;
          this.#ended = true;
          events.committed();
        },
        failed: (error) => {
          if (this.#ended) return;
          this.#ended = true;
          events.failed(asHoldfastError(error));
        },
        ended: () => {},
      },
      async () => {
        const sink = await create();
        grant(WINDOW_BYTES);
        return sink;
      },
    );
  }

  get creditBytes(): number {
    return this.#creditBytes;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  send(chunk: Buffer, taken: () => void, blockSums: readonly number[] | undefined): void {
    if (this.#ended || chunk.length > this.#creditBytes) throw new Error('data was sent without credit');
    this.#creditBytes -= chunk.length;
    this.#sentBytes += chunk.length;
    this.#receiver.data(chunk, taken, blockSums);
  }

  commit(openBlockSum: number | undefined): void {
    if (!this.#ended) this.#receiver.commit(this.#sentBytes, openBlockSum);
  }

  cancel(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#receiver.cancel();
  }
}
