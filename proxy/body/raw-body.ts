/** A body as it arrives, for whoever takes it apart: neither decoded nor verified. */
import type { Readable } from 'node:stream';
import type { BodyContext } from './body-context.ts';
import { IncomingChunks } from './incoming-chunks.ts';

export class RawBody implements Disposable {
  readonly #incoming: Readable;
  readonly #context: BodyContext;
  readonly #chunks: IncomingChunks;

  constructor(incoming: Readable, context: BodyContext) {
    this.#incoming = incoming;
    this.#context = context;
    this.#chunks = new IncomingChunks(incoming, context.clock, context.limits);
  }

  /** Undefined at the end. Throws `aborted` and `RequestTimeout`. */
  async next(): Promise<Buffer | undefined> {
    return this.#chunks.next();
  }

  /** Drops what is left; true when it ended within `limitBytes`. Never throws. */
  async discard(limitBytes: number): Promise<boolean> {
    if (this.#chunks.ended) return true;
    const rest = new IncomingChunks(this.#incoming, this.#context.clock, this.#context.limits);
    try {
      for (let discarded = 0; discarded <= limitBytes; ) {
        const chunk = await rest.next();
        if (chunk === undefined) return true;
        discarded += chunk.length;
      }
      return false;
    } catch {
      // Gone, or stalled: the connection is of no more use, and there is nobody left to tell.
      return false;
    } finally {
      rest.stop();
    }
  }

  [Symbol.dispose](): void {
    this.#chunks.stop();
  }
}
