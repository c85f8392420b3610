/** When a process that died starts again: at once, and ever later while it keeps dying young. */

/** A process that served for so long was well; what ends it then is a new event. */
export const HEALTHY_AFTER_MS = 30_000;
export const FIRST_DELAY_MS = 250;
export const DELAY_MS_MAX = 15_000;
/** Deaths in a row that are answered at once: a single kill must cost no client more than the start itself. */
export const DEATHS_AT_ONCE = 2;

export class RestartPolicy {
  #deaths = 0;

  /** @param livedMs from the start of the process to its death. @returns milliseconds to wait. */
  delayAfterDeath(livedMs: number): number {
    this.#deaths = livedMs >= HEALTHY_AFTER_MS ? 1 : this.#deaths + 1;
    if (this.#deaths <= DEATHS_AT_ONCE) return 0;
    return Math.min(DELAY_MS_MAX, FIRST_DELAY_MS * 2 ** Math.min(this.#deaths - DEATHS_AT_ONCE - 1, 16));
  }
}
