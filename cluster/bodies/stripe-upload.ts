/**
 * One stripe on its way to its replicas. It goes on while a majority keeps up; a replica that fails, or stalls while the
 * others wait, is left behind.
 */
import { HoldfastError } from '#common/errors.ts';
import type { RecordKey } from '#common/codec/record-key.ts';
import type { BlobId } from '#common/ids.ts';
import { BlockSummer } from '#storage-node/protocol/block-summer.ts';
import { DATA_BYTES_MAX } from '#storage-node/protocol/frame.ts';
import type { BlobUpload } from '#storage-node/protocol/node-access.ts';
import type { Stripe } from '../cluster.ts';
import { type ClusterContext, placeBlob } from '../context.ts';
import { majorityOf } from '../register/quorum.ts';
import type { Ticked, Ticker } from '../ticker.ts';

/** How long a majority waits for the credit of the rest. */
const STALL_MS_MAX = 2000;
/** How long a majority itself may make no progress. */
const PROGRESS_MS_MAX = 15_000;

interface Waiting {
  readonly ready: () => boolean;
  readonly resolve: () => void;
  readonly reject: (error: HoldfastError) => void;
  readonly sinceMs: number;
}

export class StripeUpload implements Ticked {
  readonly id: BlobId;
  readonly #context: ClusterContext;
  readonly #ticker: Ticker;
  readonly #majority: number;
  readonly #uploads = new Set<BlobUpload>();
  /** One sum for all replicas: it is the sender's word, which each of them keeps. */
  readonly #summer: BlockSummer | undefined;
  #committed = 0;
  #committing = false;
  #lengthBytes = 0;
  #lastError: HoldfastError | undefined;
  #waiting: Waiting | undefined;

  constructor(context: ClusterContext, ticker: Ticker, id: BlobId, owner: RecordKey) {
    this.id = id;
    this.#context = context;
    this.#ticker = ticker;
    const { route, members } = placeBlob(context, id);
    this.#majority = majorityOf(members.length);
    for (const device of members) {
      const client = context.nodes.client(device, 'bulk');
      const upload: BlobUpload = client.upload(
        device,
        { route, id, owner },
        {
          credited: () => this.#wake(),
          committed: () => {
            this.#committed += 1;
            this.#uploads.delete(upload);
            this.#wake();
          },
          failed: (error) => {
            this.#lastError = error;
            this.#uploads.delete(upload);
            this.#wake();
          },
        },
      );
      this.#uploads.add(upload);
    }
    if ([...this.#uploads].some((upload) => upload.takesBlockSums)) this.#summer = new BlockSummer();
    ticker.add(this);
  }

  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  /** Resolves when every replica that is left can take a whole data frame; rejects when no majority is left. */
  async opened(): Promise<void> {
    await this.#until(() => this.#allCredited(DATA_BYTES_MAX));
  }

  /** Resolves when the memory of `chunk` (at most 256 KiB) may be used again. */
  async write(chunk: Buffer): Promise<void> {
    if (!this.#allCredited(chunk.length)) await this.#until(() => this.#allCredited(chunk.length));
    this.#checkMajority();
    this.#lengthBytes += chunk.length;
    await new Promise<void>((resolve) => {
      let left = this.#uploads.size;
      const taken = (): void => {
        left -= 1;
        if (left === 0) resolve();
      };
      const blockSums = this.#summer?.add(chunk);
      for (const upload of this.#uploads) upload.send(chunk, taken, blockSums);
    });
    this.#checkMajority();
  }

  /** Resolves when a majority has the stripe durable; the rest goes on by itself. */
  async commit(): Promise<Stripe> {
    this.#checkMajority();
    this.#committing = true;
    for (const upload of this.#uploads) upload.commit(this.#summer?.open);
    await this.#until(() => this.#committed >= this.#majority);
    this.#ticker.remove(this);
    return { id: this.id, lengthBytes: this.#lengthBytes };
  }

  cancel(): void {
    this.#ticker.remove(this);
    for (const upload of this.#uploads) upload.cancel();
    this.#uploads.clear();
  }

  tick(nowMs: number): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    const stalledMs = nowMs - waiting.sinceMs;
    if (stalledMs >= PROGRESS_MS_MAX) {
      this.#lastError = new HoldfastError('peer-unavailable', 'the replicas make no progress');
      for (const upload of this.#uploads) upload.cancel();
      this.#uploads.clear();
      this.#wake();
    } else if (stalledMs >= STALL_MS_MAX && !this.#committing) {
      this.#dropStalled();
    }
  }

  #dropStalled(): void {
    const stalled = [...this.#uploads].filter((upload) => upload.creditBytes < DATA_BYTES_MAX);
    if (this.#uploads.size - stalled.length < this.#majority) return;
    for (const upload of stalled) {
      upload.cancel();
      this.#uploads.delete(upload);
    }
    this.#wake();
  }

  #allCredited(bytes: number): boolean {
    for (const upload of this.#uploads) if (upload.creditBytes < bytes) return false;
    return true;
  }

  #checkMajority(): void {
    if (this.#uploads.size + this.#committed < this.#majority) throw this.#unavailable();
  }

  #unavailable(): HoldfastError {
    const full = this.#lastError?.code === 'device-full';
    return new HoldfastError(full ? 'device-full' : 'quorum-unavailable', undefined, {
      cause: this.#lastError,
    });
  }

  #until(ready: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting = { ready, resolve, reject, sinceMs: this.#context.clock.monotonicMs() };
      this.#wake();
    });
  }

  #wake(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    if (this.#uploads.size + this.#committed < this.#majority) {
      this.#waiting = undefined;
      waiting.reject(this.#unavailable());
    } else if (waiting.ready()) {
      this.#waiting = undefined;
      waiting.resolve();
    }
  }
}
