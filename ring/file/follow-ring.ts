/** Follows the ring's file, which is replaced as a whole: docs/formats/ring.md. */
import { errorText } from '#common/errors.ts';
import type { Clock, Timer } from '#common/io/clock.ts';
import type { Files } from '#common/io/files.ts';
import { LiveRing, type RingSource } from '../live-ring.ts';
import { HEADER_BYTES, ringVersionOf } from './ring-format.ts';
import { loadRing } from './ring-files.ts';

/** A change is seen within this time, or at once when a peer is found to have a newer ring. */
const POLL_MS = 250;

export interface FollowedRing extends RingSource {
  close(): void;
}

export interface FollowOptions {
  readonly files: Files;
  readonly clock: Clock;
  readonly path: string;
  /** Told, once, of each thing that keeps the file from being read; the ring that was read last stands meanwhile. */
  readonly report: (problem: string) => void;
}

/** Throws as `loadRing` when there is no ring yet. */
export async function followRing(options: FollowOptions): Promise<FollowedRing> {
  const follower = new Follower(options, await loadRing(options.files, options.path));
  follower.schedule();
  return follower;
}

class Follower extends LiveRing implements FollowedRing {
  readonly #options: FollowOptions;
  #timer: Timer | undefined;
  #looking = false;
  #lookAgain = false;
  #lastProblem = '';
  #closed = false;

  constructor(options: FollowOptions, ring: LiveRing['current']) {
    super(ring);
    this.#options = options;
  }

  override look(): void {
    if (this.#looking) this.#lookAgain = true;
    else this.#lookNow();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  schedule(): void {
    this.#timer = this.#options.clock.after(POLL_MS, () => {
      this.look();
      if (!this.#closed) this.schedule();
    });
  }

  #lookNow(): void {
    this.#looking = true;
    this.#lookAgain = false;
    void this.#read().then(() => {
      this.#looking = false;
      if (this.#lookAgain && !this.#closed) this.#lookNow();
    });
  }

  /** Never rejects. */
  async #read(): Promise<void> {
    const { files, path, report } = this.#options;
    try {
      if ((await this.#version()) <= this.current.version) return;
      this.update(await loadRing(files, path));
      this.#lastProblem = '';
    } catch (error) {
      const problem = errorText(error);
      if (problem !== this.#lastProblem) report(problem);
      this.#lastProblem = problem;
    }
  }

  /** The version that the file's header names: what there is to read without reading all of it. */
  async #version(): Promise<number> {
    const file = await this.#options.files.open(this.#options.path, 'read');
    try {
      const head = Buffer.alloc(HEADER_BYTES);
      const length = await file.read(head, 0, HEADER_BYTES, 0);
      return ringVersionOf(head.subarray(0, length));
    } finally {
      await file.close();
    }
  }
}
