/**
 * A range of one stripe, from whichever replica has it: one that fails or stalls is replaced by the next, from the byte
 * that was delivered last.
 */
import { HoldfastError } from '#common/errors.ts';
import type { DeviceId } from '#common/ids.ts';
import { SMALL_DATA_BYTES } from '#storage-node/protocol/data-buffers.ts';
import { DATA_BYTES_MAX } from '#storage-node/protocol/frame.ts';
import { WINDOW_BYTES } from '#storage-node/protocol/messages/blob.ts';
import type { BlobDownload } from '#storage-node/protocol/node-access.ts';
import type { BodySink, Stripe } from '../cluster.ts';
import { type ClusterContext, placeBlob } from '../context.ts';
import type { Ticker } from '../ticker.ts';

/** A replica that has sent nothing for so long, while the reader was ready, is left. */
const STALL_MS_MAX = 2000;
/** Without a byte for so long the read is given up; a replica that restarts is back well before. */
const PROGRESS_MS_MAX = 10_000;
const PAUSE_MS = 100;
/**
 * A reader that has stopped reading holds a window of memory. Few may hold a whole one, which keeps a disk and a wire busy; of
 * more each holds one buffer, and of a crowd one block, which is the least that is read at once.
 */
const WHOLE_WINDOWS_MAX = 32;
const BUFFER_WINDOWS_MAX = 96;
/** One read of so many begins with any member of its stripe. No multiple of three, which is how many there are. */
const ANY_MEMBER_EVERY = 8;

export async function downloadStripe(
  context: ClusterContext,
  ticker: Ticker,
  stripe: Stripe,
  start: number,
  end: number,
  sink: BodySink,
  signal: AbortSignal | undefined,
): Promise<void> {
  const turn = firstTurn(context, stripe);
  let position = start;
  let progressMs = context.clock.monotonicMs();
  const misses = new Set<DeviceId>();
  for (let attempt = 0; position < end; attempt += 1) {
    // Placed anew each time: the ring may have changed.
    const { members, devices } = placeBlob(context, stripe.id);
    const device = deviceOf(members, devices, turn, attempt);
    const part = new StripePart(context, ticker, stripe, device, position, end, sink, signal);
    const failure = await part.run();
    if (part.position > position) progressMs = context.clock.monotonicMs();
    position = part.position;
    if (failure === undefined) {
      // Another device had what these have not.
      for (const missed of misses) context.misses?.blob(missed, stripe.id);
      continue;
    }
    // What is wrong with the reader no other replica mends.
    if (!(failure instanceof HoldfastError) || failure.code === 'aborted') throw failure;
    if (failure.code === 'ring-outdated') context.ringOutdated?.();
    if (failure.code === 'blob-missing' || failure.code === 'data-corrupt') misses.add(device);
    const exhausted = (attempt + 1) % devices.length === 0;
    if (exhausted && isFinal(failure)) throw failure;
    if (context.clock.monotonicMs() - progressMs >= PROGRESS_MS_MAX) {
      throw new HoldfastError('quorum-unavailable', 'no replica of a stripe answers', { cause: failure });
    }
    if (exhausted) await new Promise<void>((resolve) => context.clock.after(PAUSE_MS, resolve));
  }
}

/**
 * The first member is the one whose page cache has what was read a while ago, and the beginning of what was written; from another
 * process any is as good. Some reads begin with any member all the same: what is damaged there is found by being read, and then mended.
 */
function firstTurn(context: ClusterContext, stripe: Stripe): number {
  const [first] = placeBlob(context, stripe.id).members;
  const turn = context.randomness.below(1 << 16);
  const prefersFirst = first !== undefined && context.nodes.isHere(first);
  return prefersFirst && turn % ANY_MEMBER_EVERY !== 0 ? 0 : turn;
}

/** Members in turn; a device that joins may not have the stripe yet and comes last. */
function deviceOf(
  members: readonly DeviceId[],
  devices: readonly DeviceId[],
  turn: number,
  attempt: number,
): DeviceId {
  const place = attempt % devices.length;
  return devices[place < members.length ? (turn + place) % members.length : place] as DeviceId;
}

/** Whether waiting can't change the answer of the last replica. */
function isFinal(error: HoldfastError): boolean {
  return error.code === 'blob-missing' || error.code === 'data-corrupt' || error.code === 'invalid-argument';
}

/** @param others operations under way. */
function windowOf(others: number): number {
  if (others < WHOLE_WINDOWS_MAX) return WINDOW_BYTES;
  return others < BUFFER_WINDOWS_MAX ? DATA_BYTES_MAX : SMALL_DATA_BYTES;
}

/** One replica's share of the download: until the end, or until it fails. */
class StripePart {
  position: number;
  readonly #context: ClusterContext;
  readonly #ticker: Ticker;
  readonly #sink: BodySink;
  readonly #signal: AbortSignal | undefined;
  readonly #queue: Buffer[] = [];
  readonly #open: () => BlobDownload;
  #download: BlobDownload | undefined;
  #ended = false;
  #failure: unknown;
  #wake: (() => void) | undefined;
  #waitingSinceMs: number | undefined;

  constructor(
    context: ClusterContext,
    ticker: Ticker,
    stripe: Stripe,
    device: DeviceId,
    start: number,
    end: number,
    sink: BodySink,
    signal: AbortSignal | undefined,
  ) {
    this.position = start;
    this.#context = context;
    this.#ticker = ticker;
    this.#sink = sink;
    this.#signal = signal;
    const { route } = placeBlob(context, stripe.id);
    const read = { route, id: stripe.id, start, end, windowBytes: windowOf(ticker.size) };
    this.#open = () =>
      context.nodes.client(device, 'bulk').download(device, read, {
        data: (chunk) => {
          this.#queue.push(chunk);
          this.#wake?.();
        },
        ended: () => {
          this.#ended = true;
          this.#wake?.();
        },
        failed: (error) => this.#fail(error),
      });
  }

  /** Resolves with what went wrong, or undefined when the end was reached. */
  async run(): Promise<unknown> {
    const aborted = (): void => this.#fail(new HoldfastError('aborted', 'the reader has gone'));
    if (this.#signal?.aborted === true) return new HoldfastError('aborted', 'the reader has gone');
    this.#download = this.#open();
    this.#signal?.addEventListener('abort', aborted, { once: true });
    const ticking = this.#ticker.add(this);
    try {
      await this.#deliver(this.#download);
      return undefined;
    } catch (error) {
      this.#download.cancel();
      return error;
    } finally {
      for (const chunk of this.#queue.splice(0)) this.#download.release(chunk);
      this.#ticker.remove(ticking, this);
      this.#signal?.removeEventListener('abort', aborted);
    }
  }

  tick(nowMs: number): void {
    if (this.#waitingSinceMs !== undefined && nowMs - this.#waitingSinceMs >= STALL_MS_MAX) {
      this.#fail(new HoldfastError('peer-unavailable', 'a replica has stalled'));
    }
  }

  #fail(error: HoldfastError): void {
    this.#failure ??= error;
    this.#wake?.();
  }

  async #deliver(download: BlobDownload): Promise<void> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      const chunk = this.#queue.shift();
      if (chunk !== undefined) {
        const { length } = chunk;
        try {
          await this.#sink(chunk);
        } finally {
          download.release(chunk);
        }
        this.position += length;
      } else if (this.#ended) {
        return;
      } else {
        await this.#wait();
      }
    }
  }

  async #wait(): Promise<void> {
    this.#waitingSinceMs = this.#context.clock.monotonicMs();
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
    this.#waitingSinceMs = undefined;
  }
}
