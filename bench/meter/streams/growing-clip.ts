/** What is being recorded while it is played: which frames are stored, and who waits for more. */
export class GrowingClip {
  readonly #stored = new Set<number>();
  readonly #waiting = new Set<() => void>();

  /** Frames `from` … `to` (excluded) are stored; those before them perhaps not yet, or never. */
  stored(from: number, to: number): void {
    for (let frame = from; frame < to; frame++) this.#stored.add(frame);
    for (const wake of this.#waiting) wake();
  }

  /** Whether frames `from` … `to` (excluded) are stored before `limit`'s promise is resolved. */
  async has(from: number, to: number, limit: () => Promise<void>): Promise<boolean> {
    if (this.#has(from, to)) return true;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        if (!this.#has(from, to)) return;
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
      void limit().then(() => {
        this.#waiting.delete(wake);
        resolve();
      });
    });
    return this.#has(from, to);
  }

  #has(from: number, to: number): boolean {
    for (let frame = from; frame < to; frame++) if (!this.#stored.has(frame)) return false;
    return true;
  }
}
