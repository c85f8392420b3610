/** Tells one follower: first all that there is, then what changes, as fast as the follower takes it. */
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { Clock, Timer } from '#common/io/clock.ts';
import type { FeedProof } from '../../protocol/feed-proof.ts';
import {
  ALIVE_EVERY_MS,
  type FeedBody,
  type FeedFrame,
  type FeedItem,
  type FollowRequest,
  FRAME_ITEMS_MAX,
} from '../../protocol/identity-feed.ts';
import type { FeedState } from './feed-state.ts';

export type FollowCall = ServerWritableStream<FollowRequest, FeedFrame>;

export class FeedStream {
  readonly #call: FollowCall;
  readonly #proof: FeedProof;
  readonly #state: FeedState;
  readonly #clock: Clock;
  /** What is to be told; of an item that changes again before it is, only the last is. So this is never more than all there is. */
  readonly #untold: Set<string>;
  readonly #stopListening: () => void;
  #number = 0;
  #wasWhole = false;
  #isFull = false;
  #isPlanned = false;
  #isEnded = false;
  #alive: Timer | undefined;

  constructor(call: FollowCall, proof: FeedProof, state: FeedState, clock: Clock) {
    this.#call = call;
    this.#proof = proof;
    this.#state = state;
    this.#clock = clock;
    this.#untold = new Set(state.keys());
    this.#stopListening = state.listen((key) => {
      this.#untold.add(key);
      this.#plan();
    });
    call.on('drain', () => {
      this.#isFull = false;
      this.#tell();
    });
    this.#tell();
    this.#keepAlive();
  }

  end(): void {
    this.#isEnded = true;
    this.#stopListening();
    this.#alive?.cancel();
  }

  /** Changes of one turn go together. */
  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    setImmediate(() => {
      this.#isPlanned = false;
      this.#tell();
    });
  }

  #tell(): void {
    while (!this.#isFull && !this.#isEnded && (this.#untold.size > 0 || !this.#wasWhole)) {
      const put: FeedItem[] = [];
      const removed: string[] = [];
      for (const key of this.#untold) {
        if (put.length + removed.length === FRAME_ITEMS_MAX) break;
        this.#untold.delete(key);
        const item = this.#state.find(key);
        if (item === undefined) removed.push(key);
        else put.push(item);
      }
      const isWhole = !this.#wasWhole && this.#untold.size === 0;
      this.#send({ begins: this.#number === 0, isWhole, put, removed });
      if (isWhole) this.#wasWhole = true;
    }
  }

  #keepAlive(): void {
    this.#alive = this.#clock.after(ALIVE_EVERY_MS, () => {
      if (this.#isEnded) return;
      if (!this.#isFull) this.#send({ put: [], removed: [] });
      this.#keepAlive();
    });
  }

  #send(body: FeedBody): void {
    const bytes = Buffer.from(JSON.stringify(body));
    const frame = this.#proof.frame(this.#call.request.nonce, this.#number, bytes);
    this.#number += 1;
    if (!this.#call.write(frame)) this.#isFull = true;
  }
}
