/** Which stripes this process is writing, or has only just written: docs/formats/writer-record.md, "Whose stripe it is". */
import type { BlobId } from '#common/ids.ts';
import type { Clock } from '#common/io/clock.ts';
import { Transients } from '#common/transients.ts';

/** A body that took longer may have stripes older than any grace when it ends, while its record is being written. */
const QUICK_MS_MAX = 10_000;
const KEPT_MS = 600_000;

export class BodiesInProgress {
  readonly #clock: Clock;
  readonly #bodies = new Transients<BodyInProgress>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(): BodyInProgress {
    const body = new BodyInProgress(this.#clock.monotonicMs(), () => this.#end(slot, body));
    const slot = this.#bodies.add(body);
    return body;
  }

  has(id: BlobId): boolean {
    for (const body of this.#bodies) if (body.stripes.has(id)) return true;
    return false;
  }

  #end(slot: number, body: BodyInProgress): void {
    const tookMs = this.#clock.monotonicMs() - body.startedMs;
    if (tookMs < QUICK_MS_MAX) this.#bodies.remove(slot, body);
    else this.#clock.after(KEPT_MS, () => this.#bodies.remove(slot, body));
  }
}

export class BodyInProgress {
  /** Monotonic. */
  readonly startedMs: number;
  readonly stripes = new Set<BlobId>();
  readonly #ended: () => void;

  constructor(startedMs: number, ended: () => void) {
    this.startedMs = startedMs;
    this.#ended = ended;
  }

  /** It is finished, or given up. */
  end(): void {
    this.#ended();
  }
}
