/** A body on its way into stripes. */
import { hasCode } from '#common/errors.ts';
import type { RecordKey } from '#common/codec/record-key.ts';
import { DATA_BYTES_MAX } from '#storage-node/protocol/frame.ts';
import type { BodyWriter, Stripe } from '../cluster.ts';
import type { ClusterContext } from '../context.ts';
import type { Ticker } from '../ticker.ts';
import type { BodyInProgress } from './bodies-in-progress.ts';
import { StripeUpload } from './stripe-upload.ts';
import type { WriterLease } from './writer-lease.ts';
import { stripeId } from './writer-record.ts';

export const STRIPE_BYTES_MAX = 64 << 20;
/** How long a stripe waits for a majority of its devices to come back before anything of it has been sent. */
const OPEN_MS_MAX = 10_000;
const OPEN_PAUSE_MS = 100;

/** What keeps the sweep away from the body while it is written. */
export interface Protection {
  readonly lease: WriterLease;
  readonly body: BodyInProgress;
}

export class StripedWriter implements BodyWriter {
  readonly #context: ClusterContext;
  readonly #ticker: Ticker;
  readonly #owner: RecordKey;
  readonly #protection: Protection;
  readonly #release: (stripes: readonly Stripe[]) => void;
  readonly #stripes: Stripe[] = [];
  #current: StripeUpload | undefined;
  /** The write before the next one has handed over its bytes. */
  #lastSent: Promise<void> = Promise.resolve();
  /** The stripe before the current one, made durable while the current one is sent. */
  #sealing: Promise<void> = Promise.resolve();

  constructor(
    context: ClusterContext,
    ticker: Ticker,
    owner: RecordKey,
    protection: Protection,
    release: (stripes: readonly Stripe[]) => void,
  ) {
    this.#context = context;
    this.#ticker = ticker;
    this.#owner = owner;
    this.#protection = protection;
    this.#release = release;
  }

  write(chunk: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      let failure: { readonly error: unknown } | undefined;
      // A failure too is told when nobody holds the memory any more.
      const pieces = new Countdown(() => (failure === undefined ? resolve() : reject(failure.error)));
      const sent = this.#lastSent.then(() => this.#send(chunk, pieces));
      this.#lastSent = sent;
      sent.then(pieces.end, (error: unknown) => {
        failure = { error };
        pieces.end();
      });
    });
  }

  async #send(chunk: Buffer, pieces: Countdown): Promise<void> {
    let at = 0;
    while (at < chunk.length) {
      this.#current ??= await this.#open();
      const room = STRIPE_BYTES_MAX - this.#current.lengthBytes;
      const end = Math.min(chunk.length, at + Math.min(room, DATA_BYTES_MAX));
      const piece = at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end);
      await this.#current.send(piece, pieces.begin());
      at = end;
      if (this.#current.lengthBytes === STRIPE_BYTES_MAX) await this.#seal();
    }
  }

  async finish(): Promise<Stripe[]> {
    if (this.#current !== undefined) await this.#seal();
    await this.#sealing;
    this.#protection.lease.check(this.#protection.body.startedMs);
    this.#protection.body.end();
    return this.#stripes;
  }

  async abort(): Promise<void> {
    this.#current?.cancel();
    this.#current = undefined;
    await this.#sealing.catch(() => undefined);
    this.#protection.body.end();
    this.#release(this.#stripes.splice(0));
  }

  /** Begins to make the current stripe durable; waits for the one before it, so that one at most is under way. */
  async #seal(): Promise<void> {
    const stripe = this.#current;
    if (stripe === undefined) return;
    this.#current = undefined;
    try {
      await this.#sealing;
    } catch (error) {
      stripe.cancel();
      throw error;
    }
    this.#sealing = stripe.commit().then(
      (sealed) => void this.#stripes.push(sealed),
      (error: unknown) => {
        stripe.cancel();
        throw error;
      },
    );
    // Whoever waits for it next sees its failure; until then it must not count as unhandled.
    this.#sealing.catch(() => undefined);
  }

  async #open(): Promise<StripeUpload> {
    const { clock, randomness, ballots } = this.#context;
    const deadlineMs = clock.monotonicMs() + OPEN_MS_MAX;
    for (;;) {
      const id = stripeId(randomness.bytes(10), ballots.writer);
      this.#protection.body.stripes.add(id);
      const stripe = new StripeUpload(this.#context, this.#ticker, id, this.#owner);
      try {
        await stripe.opened();
        return stripe;
      } catch (error) {
        stripe.cancel();
        if (!hasCode(error, 'quorum-unavailable') || clock.monotonicMs() >= deadlineMs) throw error;
      }
      await new Promise<void>((resolve) => clock.after(OPEN_PAUSE_MS, resolve));
    }
  }
}

/** Calls back when everything that has begun has ended; one thing has begun with it. */
class Countdown {
  #left = 1;
  readonly #done: () => void;

  constructor(done: () => void) {
    this.#done = done;
  }

  begin(): () => void {
    this.#left += 1;
    return this.end;
  }

  readonly end = (): void => {
    this.#left -= 1;
    if (this.#left === 0) this.#done();
  };
}
