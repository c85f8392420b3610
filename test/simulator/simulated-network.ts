/** A network that delays, reorders, loses and repeats messages, and cuts links one way, until it is healed. */
import type { Dice } from './dice.ts';
import type { Timeline } from './timeline.ts';

export interface NetworkOptions {
  readonly delayMsMin: number;
  readonly delayMsMax: number;
  /** Chance and length of a delay far beyond the usual. */
  readonly lateChance: number;
  readonly lateMsMax: number;
  readonly dropChance: number;
  readonly repeatChance: number;
  /** Chance that the sender of a request that is lost hears of it, as when its connection breaks. */
  readonly lossHeardChance: number;
}

const CALM: NetworkOptions = {
  delayMsMin: 0.1,
  delayMsMax: 1,
  lateChance: 0,
  lateMsMax: 0,
  dropChance: 0,
  repeatChance: 0,
  lossHeardChance: 1,
};

export class SimulatedNetwork {
  carried = 0;
  lost = 0;
  readonly #timeline: Timeline;
  readonly #dice: Dice;
  #options: NetworkOptions;
  /** Ends of the cuts, by `from>to`. */
  readonly #cutUntilMs = new Map<string, number>();

  constructor(timeline: Timeline, dice: Dice, options: NetworkOptions) {
    this.#timeline = timeline;
    this.#dice = dice;
    this.#options = options;
  }

  /** Calls `deliver` once, twice or never; `lost` perhaps, when it is never. */
  carry(from: string, to: string, deliver: () => void, lost?: () => void): void {
    this.carried += 1;
    if (this.#isCut(from, to) || this.#dice.chance(this.#options.dropChance)) {
      this.lost += 1;
      if (lost !== undefined && this.#dice.chance(this.#options.lossHeardChance)) this.#later(lost);
      return;
    }
    this.#later(deliver);
    if (this.#dice.chance(this.#options.repeatChance)) this.#later(deliver);
  }

  /** Nothing passes from one to the other for a while. */
  cut(from: string, to: string, durationMs: number): void {
    this.#cutUntilMs.set(`${from}>${to}`, this.#timeline.nowMs + durationMs);
  }

  heal(): void {
    this.#options = CALM;
    this.#cutUntilMs.clear();
  }

  #later(then: () => void): void {
    const { delayMsMin, delayMsMax, lateChance, lateMsMax } = this.#options;
    const isLate = this.#dice.chance(lateChance);
    this.#timeline.after(this.#dice.between(delayMsMin, isLate ? lateMsMax : delayMsMax), then);
  }

  #isCut(from: string, to: string): boolean {
    if (this.#cutUntilMs.size === 0) return false;
    return (this.#cutUntilMs.get(`${from}>${to}`) ?? 0) > this.#timeline.nowMs;
  }
}
