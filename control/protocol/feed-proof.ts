/** Proofs of both ends of a stream of control that they belong to the cluster: docs/formats/identity-feed.md, "The stream". */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { FeedFrame, FollowRequest } from './identity-feed.ts';

export const NONCE_BYTES = 16;
const AGE_MS_MAX = 60_000;

export class FeedProof {
  readonly #key: Buffer;

  /** @param purpose what is proven to one stream, or by one end of it, proves nothing to another. */
  constructor(clusterKey: Buffer, purpose = 'holdfast identity feed 1') {
    this.#key = createHmac('sha256', clusterKey).update(purpose).digest();
  }

  request(nonce: Buffer, nowMs: number): FollowRequest {
    return { nonce, time_ms: String(nowMs), proof: this.#ofRequest(nonce, nowMs) };
  }

  isRequest({ nonce, time_ms, proof }: FollowRequest, nowMs: number): boolean {
    const timeMs = Number(time_ms);
    if (nonce.length !== NONCE_BYTES || !Number.isSafeInteger(timeMs)) return false;
    return Math.abs(nowMs - timeMs) <= AGE_MS_MAX && isSame(this.#ofRequest(nonce, timeMs), proof);
  }

  frame(nonce: Buffer, number: number, body: Buffer): FeedFrame {
    return { body, proof: this.#ofFrame(nonce, number, body) };
  }

  isFrame({ body, proof }: FeedFrame, nonce: Buffer, number: number): boolean {
    return isSame(this.#ofFrame(nonce, number, body), proof);
  }

  #ofRequest(nonce: Buffer, timeMs: number): Buffer {
    return createHmac('sha256', this.#key).update('follow').update(nonce).update(u64(timeMs)).digest();
  }

  #ofFrame(nonce: Buffer, number: number, body: Buffer): Buffer {
    const head = createHmac('sha256', this.#key).update('frame').update(nonce).update(u64(number));
    return head.update(body).digest();
  }
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

function isSame(expected: Buffer, given: Buffer): boolean {
  return expected.length === given.length && timingSafeEqual(expected, given);
}
