/** What is being recorded while it is played: how far it has come, and who waits for more. */
export class GrowingClip {
  #frames = 0;
  readonly #waiting = new Set<() => void>();

  /** Frames up to `frames` (excluded) are stored. */
  stored(frames: number): void {
    this.#frames = Math.max(this.#frames, frames);
    for (const wake of this.#waiting) wake();
  }

  /** Whether so many frames are stored before `limit`'s promise is resolved. */
  async reaches(frames: number, limit: () => Promise<void>): Promise<boolean> {
    if (this.#frames >= frames) return true;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        if (this.#frames < frames) return;
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
      void limit().then(() => {
        this.#waiting.delete(wake);
        resolve();
      });
    });
    return this.#frames >= frames;
  }
}
