/** How often an address may fail to log in: some at once, then one a second. Who succeeds is never held up. */
import { ApiError } from '../identity/api-error.ts';

const ADDRESSES_MAX = 10_000;
const REFILL_MS = 1000;
/** Failures of requests that were under way together are owed: the address waits until they are paid off, minutes at most. */
const OWED_MAX = 300;

interface Bucket {
  left: number;
  atMs: number;
}

export class FailureLimit {
  readonly #atOnceMax: number;
  readonly #nowMs: () => number;
  /** In the order of their last failure. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(atOnceMax: number, nowMs: () => number) {
    this.#atOnceMax = atOnceMax;
    this.#nowMs = nowMs;
  }

  /** Throws 429 when the address has used up what it had. */
  check(address: string): void {
    const left = this.#leftOf(address);
    if (left >= 1) return;
    throw new ApiError(429, 'Too many failed logins from this address.', {
      retryAfterSeconds: Math.ceil(((1 - left) * REFILL_MS) / 1000),
    });
  }

  failed(address: string): void {
    const left = Math.max(-OWED_MAX, this.#leftOf(address) - 1);
    this.#buckets.delete(address);
    this.#buckets.set(address, { left, atMs: this.#nowMs() });
    if (this.#buckets.size <= ADDRESSES_MAX) return;
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }

  #leftOf(address: string): number {
    const bucket = this.#buckets.get(address);
    if (bucket === undefined) return this.#atOnceMax;
    return Math.min(this.#atOnceMax, bucket.left + (this.#nowMs() - bucket.atMs) / REFILL_MS);
  }
}
