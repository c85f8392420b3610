/**
 * One stripe on its way to its replicas. It goes on while a quorum keeps up; a replica that fails, or stalls while the
 * others wait, is left behind.
 */
import { HoldfastError } from '#common/errors.ts';
import type { RecordKey } from '#common/codec/record-key.ts';
import type { BlobId, DeviceId } from '#common/ids.ts';
import { BlockSummer } from '#storage-node/protocol/block-summer.ts';
import { DATA_BYTES_MAX } from '#storage-node/protocol/frame.ts';
import type { BlobUpload } from '#storage-node/protocol/node-access.ts';
import type { Stripe } from '../cluster.ts';
import { type ClusterContext, placeBlob, votersIn } from '../context.ts';
import { isOutOfReach, isQuorum, type Voters } from '../register/quorum.ts';
import type { Ticked, Ticker } from '../ticker.ts';

/** How long a quorum waits for the credit of the rest. */
const STALL_MS_MAX = 2000;
/** How long a quorum itself may make no progress. */
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
  readonly #ticking: number;
  readonly #voters: Voters;
  /** What is under way, with its voter's number. */
  readonly #uploads = new Map<BlobUpload, number>();
  /** Voters on which the stripe is durable, and those that failed or were left behind. */
  readonly #committed = new Set<number>();
  readonly #lost = new Set<number>();
  /** One sum for all replicas: it is the sender's word, which each of them keeps. */
  readonly #summer: BlockSummer | undefined;
  /** Devices that have failed, or were left behind: they have no copy. */
  readonly #missed = new Set<DeviceId>();
  #committing = false;
  #isDurable = false;
  #lengthBytes = 0;
  #lastError: HoldfastError | undefined;
  #waiting: Waiting | undefined;

  constructor(context: ClusterContext, ticker: Ticker, id: BlobId, owner: RecordKey) {
    this.id = id;
    this.#context = context;
    this.#ticker = ticker;
    const placement = placeBlob(context, id);
    const { route } = placement;
    this.#voters = votersIn(placement);
    for (const [voter, device] of placement.devices.entries()) {
      const client = context.nodes.client(device, 'bulk');
      const upload: BlobUpload = client.upload(
        device,
        // Reads begin with the first member: it alone is to have bytes in the page cache.
        { route, id, owner, uncached: voter > 0 },
        {
          credited: () => this.#wake(),
          committed: () => {
            this.#committed.add(voter);
            this.#uploads.delete(upload);
            this.#wake();
          },
          failed: (error) => {
            this.#lastError = error;
            this.#missed.add(device);
            if (this.#isDurable) this.#tellMisses();
            if (error.code === 'ring-outdated') context.ringOutdated?.();
            this.#lose(upload);
            this.#wake();
          },
        },
      );
      this.#uploads.set(upload, voter);
    }
    if ([...this.#uploads.keys()].some((upload) => upload.takesBlockSums)) this.#summer = new BlockSummer();
    this.#ticking = ticker.add(this);
  }

  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  /** Resolves when every replica that is left can take a whole data frame; rejects when no quorum is left. */
  async opened(): Promise<void> {
    await this.#until(() => this.#allCredited(DATA_BYTES_MAX));
  }

  /**
   * Resolves when the next chunk may be sent; one call at a time.
   * @param chunk at most 256 KiB.
   * @param taken called, once, when its memory may be used again, also when the call throws.
   */
  async send(chunk: Buffer, taken: () => void): Promise<void> {
    try {
      if (!this.#allCredited(chunk.length)) await this.#until(() => this.#allCredited(chunk.length));
      this.#checkQuorum();
    } catch (error) {
      taken();
      throw error;
    }
    this.#lengthBytes += chunk.length;
    let left = this.#uploads.size;
    const takenByOne = (): void => {
      left -= 1;
      if (left === 0) taken();
    };
    const blockSums = this.#summer?.add(chunk);
    for (const upload of this.#uploads.keys()) upload.send(chunk, takenByOne, blockSums);
  }

  /** Resolves when a quorum has the stripe durable; the rest goes on by itself. */
  async commit(): Promise<Stripe> {
    this.#checkQuorum();
    this.#committing = true;
    for (const upload of this.#uploads.keys()) upload.commit(this.#summer?.open);
    await this.#until(() => isQuorum(this.#voters, this.#committed));
    this.#ticker.remove(this.#ticking, this);
    this.#isDurable = true;
    this.#tellMisses();
    return { id: this.id, lengthBytes: this.#lengthBytes };
  }

  #tellMisses(): void {
    for (const device of this.#missed) this.#context.misses?.blob(device, this.id);
    this.#missed.clear();
  }

  cancel(): void {
    this.#ticker.remove(this.#ticking, this);
    for (const upload of this.#uploads.keys()) upload.cancel();
    this.#uploads.clear();
  }

  tick(nowMs: number): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    const stalledMs = nowMs - waiting.sinceMs;
    if (stalledMs >= PROGRESS_MS_MAX) {
      this.#lastError = new HoldfastError('peer-unavailable', 'the replicas make no progress');
      for (const upload of [...this.#uploads.keys()]) {
        upload.cancel();
        this.#lose(upload);
      }
      this.#wake();
    } else if (stalledMs >= STALL_MS_MAX && !this.#committing) {
      this.#dropStalled();
    }
  }

  #dropStalled(): void {
    const stalled = [...this.#uploads.keys()].filter((upload) => upload.creditBytes < DATA_BYTES_MAX);
    const left = stalled.map((upload) => this.#uploads.get(upload) as number);
    if (isOutOfReach(this.#voters, new Set([...this.#lost, ...left]))) return;
    for (const upload of stalled) {
      upload.cancel();
      this.#lose(upload);
    }
    this.#wake();
  }

  #lose(upload: BlobUpload): void {
    const voter = this.#uploads.get(upload);
    if (voter !== undefined) this.#lost.add(voter);
    this.#missed.add(upload.device);
    this.#uploads.delete(upload);
  }

  #allCredited(bytes: number): boolean {
    for (const upload of this.#uploads.keys()) if (upload.creditBytes < bytes) return false;
    return true;
  }

  #checkQuorum(): void {
    if (isOutOfReach(this.#voters, this.#lost)) throw this.#unavailable();
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
    if (isOutOfReach(this.#voters, this.#lost)) {
      this.#waiting = undefined;
      waiting.reject(this.#unavailable());
    } else if (waiting.ready()) {
      this.#waiting = undefined;
      waiting.resolve();
    }
  }
}
