/**
 * Stripes that nothing refers to any more, removed after a grace that lets running reads finish. The queue is this
 * process's memory: what is lost with it stays on the devices until a sweep finds it unreferenced.
 */
import type { Timer } from '#common/io/clock.ts';
import { encodeBlobDelete } from '#storage-node/protocol/messages/blob.ts';
import type { Stripe } from '../cluster.ts';
import { type ClusterContext, placeBlob } from '../context.ts';

const GRACE_MS = 30_000;
const WAITING_MAX = 200_000;
/** Removals under way at once. On a file system that discards what is freed an unlink takes tens of milliseconds and a thread. */
const REMOVALS_MAX = 2;
/** How long a process that stops goes on removing; the sweep finds the rest. */
const FLUSH_MS_MAX = 3000;
/** What a newer ring takes to be found. */
const RING_PAUSE_MS = 500;

export class ReleaseQueue {
  readonly #context: ClusterContext;
  #waiting: { readonly stripe: Stripe; readonly dueMs: number }[] = [];
  #timer: Timer | undefined;

  constructor(context: ClusterContext) {
    this.#context = context;
  }

  add(stripes: readonly Stripe[]): void {
    const dueMs = this.#context.clock.monotonicMs() + GRACE_MS;
    for (const stripe of stripes) {
      if (this.#waiting.length >= WAITING_MAX) return;
      this.#waiting.push({ stripe, dueMs });
    }
    this.#schedule();
  }

  /** Removes what a few seconds suffice for: the process stops, and no read of it runs any more. */
  async flush(): Promise<void> {
    this.#timer?.cancel();
    const waiting = this.#waiting;
    this.#waiting = [];
    const { clock } = this.#context;
    const endMs = clock.monotonicMs() + FLUSH_MS_MAX;
    await this.#removeAll(waiting, () => clock.monotonicMs() < endMs);
  }

  async #removeAll(due: readonly { readonly stripe: Stripe }[], mayGoOn: () => boolean): Promise<void> {
    for (let at = 0; at < due.length && mayGoOn(); at += REMOVALS_MAX) {
      await Promise.all(due.slice(at, at + REMOVALS_MAX).map(({ stripe }) => this.#remove(stripe)));
    }
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#waiting.length === 0) return;
    this.#timer = this.#context.clock.after(1000, () => {
      this.#timer = undefined;
      const nowMs = this.#context.clock.monotonicMs();
      const due = this.#waiting.findIndex(({ dueMs }) => dueMs > nowMs);
      const ready = this.#waiting.splice(0, due < 0 ? this.#waiting.length : due);
      const removed = this.#removeAll(ready, () => true);
      // It never rejects: a device that is away is asked by the sweep.
      void removed.then(() => this.#schedule());
    });
  }

  /** Asks every device; one that is away keeps the blob until a sweep. Never rejects. */
  async #remove(stripe: Stripe): Promise<void> {
    const outdated = await this.#ask(stripe);
    if (!outdated) return;
    // Once more, by the ring that the nodes have.
    this.#context.ringOutdated?.();
    await new Promise<void>((resolve) => this.#context.clock.after(RING_PAUSE_MS, resolve));
    await this.#ask(stripe);
  }

  /** Whether a device has a newer ring. */
  async #ask({ id }: Stripe): Promise<boolean> {
    const { route, devices } = placeBlob(this.#context, id);
    const answers = devices.map(
      (device) =>
        new Promise<boolean>((resolve) => {
          const message = encodeBlobDelete({ route, id });
          this.#context.nodes
            .client(device, 'small')
            .request(device, message, (reply) =>
              resolve(reply.type === 'failed' && reply.error.code === 'ring-outdated'),
            );
        }),
    );
    return (await Promise.all(answers)).includes(true);
  }
}
