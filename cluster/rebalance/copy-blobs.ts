/** The blobs of a partition, from the members that have them to the device that joins, verified at both ends. */
import { HoldfastError, hasCode } from '#common/errors.ts';
import type { BlobId, DeviceId } from '#common/ids.ts';
import { BlockSummer } from '#storage-node/protocol/block-summer.ts';
import { WINDOW_BYTES } from '#storage-node/protocol/messages/blob.ts';
import { type ListedBlob, encodeListBlobs } from '#storage-node/protocol/messages/list-blobs.ts';
import type { BlobDownload, BlobUpload } from '#storage-node/protocol/node-access.ts';
import { askNode } from './ask-node.ts';
import { assertGoesOn, type CopyContext, type CopyPath } from './copy-records.ts';

const STALL_MS_MAX = 10_000;
/** A target that is still giving an earlier copy up is asked again: twenty seconds long, more than a stalled stream is kept. */
const ATTEMPTS_MAX = 100;
const PAUSE_MS = 200;

export interface CopiedBlobs {
  readonly blobs: number;
  readonly bytes: number;
}

/** @param held which of the sources have each blob. Throws when a blob cannot be had from any of them. */
export async function copyBlobs(
  context: CopyContext,
  path: CopyPath,
  held: ReadonlyMap<BlobId, readonly DeviceId[]>,
): Promise<CopiedBlobs> {
  let blobs = 0;
  let bytes = 0;
  for (const [id, sources] of held) {
    assertGoesOn(context);
    const copied = await copyBlob(context, path, id, sources);
    if (copied === undefined) continue;
    blobs += 1;
    bytes += copied;
  }
  return { blobs, bytes };
}

/** Bytes copied; undefined when there is nothing to copy any more. */
async function copyBlob(
  context: CopyContext,
  path: CopyPath,
  id: BlobId,
  sources: readonly DeviceId[],
): Promise<number | undefined> {
  let failure: unknown;
  for (const source of sources) {
    try {
      const bytes = await copyFrom(context, path, id, source);
      if (bytes !== undefined) return bytes;
    } catch (error) {
      assertGoesOn(context);
      if (hasCode(error, 'blob-exists')) return 0;
      if (!hasCode(error, 'blob-missing')) failure = error;
    }
  }
  // Removed meanwhile, from all that had it.
  if (failure === undefined) return undefined;
  throw failure;
}

/** Bytes copied; undefined when the source does not have it. */
async function copyFrom(
  context: CopyContext,
  path: CopyPath,
  id: BlobId,
  source: DeviceId,
): Promise<number | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const blob = await describe(context, source, id);
      if (blob === undefined) return undefined;
      await new BlobTransfer(context, path, source, blob).run();
      return blob.lengthBytes;
    } catch (error) {
      if (!hasCode(error, 'overloaded') || attempt === ATTEMPTS_MAX) throw error;
    }
    assertGoesOn(context);
    await new Promise<void>((resolve) => context.cluster.clock.after(PAUSE_MS, resolve));
  }
}

/** A device lists its blobs behind an id: the one asked for is the first behind the id before it. */
async function describe(
  { cluster }: CopyContext,
  source: DeviceId,
  id: BlobId,
): Promise<ListedBlob | undefined> {
  const number = BigInt(`0x${id}`);
  const before = number === 0n ? undefined : ((number - 1n).toString(16).padStart(32, '0') as BlobId);
  const message = encodeListBlobs({ type: 'listBlobs', after: before, limit: 1 });
  const { blobs } = await askNode(cluster, source, message, 'blobs');
  return blobs[0]?.id === id ? blobs[0] : undefined;
}

/** Each chunk goes out as soon as the target has credit for it, and only then is the next one asked for. */
class BlobTransfer {
  readonly #context: CopyContext;
  readonly #path: CopyPath;
  readonly #source: DeviceId;
  readonly #blob: ListedBlob;
  readonly #queue: Buffer[] = [];
  readonly #summer = new BlockSummer();
  readonly #done = Promise.withResolvers<void>();
  #download: BlobDownload | undefined;
  #upload: BlobUpload | undefined;
  #received = false;
  #committing = false;
  #pumping = false;
  #pumpAgain = false;
  #progressMs = 0;

  constructor(context: CopyContext, path: CopyPath, source: DeviceId, blob: ListedBlob) {
    this.#context = context;
    this.#path = path;
    this.#source = source;
    this.#blob = blob;
  }

  async run(): Promise<void> {
    const { nodes } = this.#context.cluster;
    const { route, target } = this.#path;
    const { id, owner, lengthBytes } = this.#blob;
    const failed = (error: HoldfastError): void => this.#done.reject(error);
    this.#upload = nodes
      .client(target, 'bulk')
      .upload(
        target,
        { route, id, owner, copies: true },
        { failed, credited: () => this.#pumpOn(), committed: () => this.#done.resolve() },
      );
    const read = { route, id, start: 0, end: lengthBytes, windowBytes: WINDOW_BYTES };
    this.#download = nodes.client(this.#source, 'bulk').download(this.#source, read, {
      failed,
      data: (chunk) => {
        this.#queue.push(chunk);
        this.#pumpOn();
      },
      ended: () => {
        this.#received = true;
        this.#pumpOn();
      },
    });
    const watch = this.#watch();
    const { signal } = this.#context;
    const end = (): void => this.#done.reject(new HoldfastError('aborted', 'the copying has been ended'));
    signal.addEventListener('abort', end);
    try {
      await this.#done.promise;
    } catch (error) {
      this.#upload.cancel();
      this.#download.cancel();
      throw error;
    } finally {
      signal.removeEventListener('abort', end);
      watch.stop();
      for (const chunk of this.#queue.splice(0)) this.#download.release(chunk);
    }
  }

  /** Gives up when nothing comes and goes any more. */
  #watch(): { stop: () => void } {
    const { clock } = this.#context.cluster;
    let timer = clock.after(STALL_MS_MAX, () => look());
    const look = (): void => {
      if (clock.monotonicMs() - this.#progressMs >= STALL_MS_MAX)
        this.#done.reject(new HoldfastError('peer-unavailable', 'the copy of a blob has stalled'));
      timer = clock.after(STALL_MS_MAX, () => look());
    };
    return { stop: () => timer.cancel() };
  }

  #pumpOn(): void {
    this.#progressMs = this.#context.cluster.clock.monotonicMs();
    this.#pumpAgain = this.#pumping;
    if (this.#pumping) return;
    this.#pumping = true;
    this.#pump().then(
      () => {
        this.#pumping = false;
        if (this.#pumpAgain) this.#pumpOn();
      },
      (error: unknown) => this.#done.reject(error),
    );
  }

  async #pump(): Promise<void> {
    for (;;) {
      const [upload, chunk] = [this.#upload, this.#queue[0]];
      if (upload === undefined || this.#committing) return;
      if (chunk === undefined) {
        if (!this.#received || upload.creditBytes === 0) return;
        this.#committing = true;
        upload.commit(upload.takesBlockSums ? this.#summer.open : undefined);
        return;
      }
      if (upload.creditBytes < chunk.length) return;
      await this.#context.throttle.spend(chunk.length);
      if (upload.hasEnded) return;
      this.#queue.shift();
      const sums = upload.takesBlockSums ? this.#summer.add(chunk) : undefined;
      upload.send(chunk, () => this.#download?.release(chunk), sums);
    }
  }
}
