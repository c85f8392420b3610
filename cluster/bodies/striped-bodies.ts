/** Bodies in stripes, each placed by its own id. */
import type { RecordKey } from '#common/codec/record-key.ts';
import { HoldfastError } from '#common/errors.ts';
import type { Bodies, BodySink, BodyWriter, Stripe } from '../cluster.ts';
import type { ClusterContext } from '../context.ts';
import type { Ticker } from '../ticker.ts';
import { BodiesInProgress } from './bodies-in-progress.ts';
import { ReleaseQueue } from './release-queue.ts';
import { downloadStripe } from './stripe-download.ts';
import { StripedWriter } from './striped-writer.ts';
import type { WriterLease } from './writer-lease.ts';

export class StripedBodies implements Bodies {
  readonly #context: ClusterContext;
  readonly #ticker: Ticker;
  readonly #releases: ReleaseQueue;
  readonly #lease: WriterLease;
  readonly inProgress: BodiesInProgress;

  constructor(context: ClusterContext, ticker: Ticker, lease: WriterLease) {
    this.#context = context;
    this.#ticker = ticker;
    this.#releases = new ReleaseQueue(context);
    this.#lease = lease;
    this.inProgress = new BodiesInProgress(context.clock);
  }

  write(owner: RecordKey): BodyWriter {
    // From its first body on, this process must not be taken for dead.
    this.#lease.start();
    return new StripedWriter(
      this.#context,
      this.#ticker,
      owner,
      { lease: this.#lease, body: this.inProgress.begin() },
      (stripes) => this.release(stripes),
    );
  }

  async read(
    stripes: readonly Stripe[],
    start: number,
    end: number,
    sink: BodySink,
    signal?: AbortSignal,
  ): Promise<void> {
    let stripeStart = 0;
    for (const stripe of stripes) {
      const stripeEnd = stripeStart + stripe.lengthBytes;
      const from = Math.max(start, stripeStart);
      const to = Math.min(end, stripeEnd);
      if (from < to) {
        await downloadStripe(
          this.#context,
          this.#ticker,
          stripe,
          from - stripeStart,
          to - stripeStart,
          sink,
          signal,
        );
      }
      stripeStart = stripeEnd;
    }
    if (end > stripeStart) throw new HoldfastError('invalid-argument', 'the range ends behind the body');
  }

  release(stripes: readonly Stripe[]): void {
    this.#releases.add(stripes);
  }

  /** Removes what waits to be removed. */
  async flush(): Promise<void> {
    await this.#releases.flush();
  }
}
