/**
 * The room that is left under the limits of one account or bucket, as one proxy shares it with the others: docs/formats/quota-record.md,
 * "Reservations", which also shows why no limit is passed.
 */
import { HoldfastError } from '#common/errors.ts';
import {
  type AmountName,
  type Amounts,
  amountNames,
  areSame,
  exceededBy,
  type Limits,
  minus,
  NOTHING,
  plus,
} from './amounts.ts';
import { QuotaExceeded } from './quota-error.ts';
import { Reservation, type ReservationParts } from './reservation-record.ts';

/** How long this side acts on a reservation; others heed it for three times as long. */
const HELD_MS = 10_000;
/** How long a write whose outcome is unknown counts as one that is under way. */
const UNCERTAIN_MS = 20_000;
/** How long a write waits for room that others may leave. */
const WAIT_MS_MAX = 2000;
const PAUSE_MS = 20;
const SPARE_DIVISOR = 16;
const SPARE_MAX: Amounts = { bytes: 64 * 2 ** 20, objects: 1000, containers: 0 };
/** Writes that wait for room of one account or bucket. */
const WAITING_MAX = 10_000;

export interface Hold {
  /** Throws when the time of the reservation is over: to be asked where the write is decided. */
  assertHeld(): void;
  /** To be called once, when it is known whether the write was done, or cannot be known. */
  settle(isKnown: boolean): void;
}

export interface SharedRoomParts extends ReservationParts {
  /** What is there, exactly. */
  readonly count: () => Promise<Amounts>;
}

interface Waiting {
  readonly wanted: Amounts;
  readonly limits: Limits;
  readonly deadlineMs: number;
  readonly resolve: (hold: Hold) => void;
  readonly reject: (error: unknown) => void;
}

export class SharedRoom {
  readonly #parts: SharedRoomParts;
  readonly #reservation: Reservation;
  /** Reserved in the record, and how long this side may act on it. */
  #held: Amounts = NOTHING;
  #heldUntilMs = Number.NEGATIVE_INFINITY;
  #heldUnder: Limits = {};
  /** Of it, given to writes since it was reserved. */
  #given: Amounts = NOTHING;
  /** Of writes that are not known to be over. */
  #running: Amounts = NOTHING;
  /** What was left when it was last counted. */
  #left: Amounts = NOTHING;
  #waiting: Waiting[] = [];
  #isWorking = false;

  constructor(parts: SharedRoomParts) {
    this.#parts = parts;
    this.#reservation = new Reservation(parts);
  }

  get isIdle(): boolean {
    return !this.#isWorking && amountNames.every((name) => this.#running[name] === 0);
  }

  /** Room for a write, to be settled when that is over. Throws QuotaExceeded, and what the cluster throws. */
  take(wanted: Amounts, limits: Limits): Promise<Hold> {
    const given = plus(this.#given, wanted);
    // What is held was found to be within the limits of then, and of no others.
    const isHeld = this.#parts.clock.monotonicMs() < this.#heldUntilMs && areSame(limits, this.#heldUnder);
    if (isHeld && exceededBy(given, this.#held) === undefined && this.#waiting.length === 0)
      return Promise.resolve(this.#give(wanted));
    if (this.#waiting.length >= WAITING_MAX) return Promise.reject(new HoldfastError('overloaded'));
    return new Promise((resolve, reject) => {
      const deadlineMs = this.#parts.clock.monotonicMs() + WAIT_MS_MAX;
      this.#waiting.push({ wanted, limits, deadlineMs, resolve, reject });
      if (!this.#isWorking) void this.#work();
    });
  }

  /** Throws QuotaExceeded when there is no room even if nobody else writes. Nothing is reserved. */
  async check(wanted: Amounts, limits: Limits): Promise<void> {
    const exceeded = exceededBy(plus(await this.#parts.count(), wanted), limits);
    if (exceeded !== undefined && wanted[exceeded] > 0) throw new QuotaExceeded(exceeded);
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await this.#serve(batch);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#isWorking = false;
  }

  async #serve(batch: readonly Waiting[]): Promise<void> {
    const { clock, count } = this.#parts;
    const reservedAtMs = clock.monotonicMs();
    const wanted = batch.reduce<Amounts>((sum, each) => plus(sum, each.wanted), NOTHING);
    const running = this.#running;
    const needed = plus(running, wanted);
    const reserved = plus(needed, this.#spare());
    // Until this batch has been looked at, nothing is given of what was held before.
    this.#heldUntilMs = Number.NEGATIVE_INFINITY;
    const others = await this.#reservation.set(reserved);
    const used = plus(await count(), others);
    const limits = batch.at(-1)?.limits ?? {};
    this.#left = leftOf(limits, plus(used, needed));
    const fits = exceededBy(plus(used, reserved), limits) === undefined;
    this.#held = fits ? reserved : needed;
    this.#heldUnder = limits;
    this.#given = running;
    this.#heldUntilMs = reservedAtMs + HELD_MS;
    const refused = this.#grant(batch, used, minus(used, others));
    if (fits && refused.length === 0) return;
    // What is not used of it is others' to take: none of it is given from this moment on.
    this.#held = this.#given;
    await this.#reservation.set(this.#held);
    if (refused.length === 0) return;
    await new Promise<void>((resolve) => clock.after(PAUSE_MS, resolve));
    this.#waiting.unshift(...refused);
  }

  /** Gives to those that fit, in their order, and refuses those that never will. @returns those that may yet. */
  #grant(batch: readonly Waiting[], used: Amounts, counted: Amounts): Waiting[] {
    const nowMs = this.#parts.clock.monotonicMs();
    const undecided: Waiting[] = [];
    for (const each of batch) {
      const { wanted, limits, deadlineMs } = each;
      const over = exceeded(plus(used, this.#given), wanted, limits);
      if (over === undefined) each.resolve(this.#give(wanted));
      else if (exceeded(counted, wanted, limits) !== undefined || nowMs >= deadlineMs)
        each.reject(new QuotaExceeded(over));
      // What stands in its way is reserved, and perhaps counted too.
      else undecided.push(each);
    }
    return undecided;
  }

  #give(wanted: Amounts): Hold {
    this.#given = plus(this.#given, wanted);
    this.#running = plus(this.#running, wanted);
    const { clock } = this.#parts;
    const untilMs = this.#heldUntilMs;
    const over = () => {
      this.#running = minus(this.#running, wanted);
    };
    return {
      assertHeld() {
        if (clock.monotonicMs() >= untilMs) throw new HoldfastError('overloaded', 'a reservation ran out');
      },
      settle(isKnown) {
        if (isKnown) over();
        else clock.after(UNCERTAIN_MS, over);
      },
    };
  }

  /** Reserved beyond what is needed, so that the next writes find it. */
  #spare(): Amounts {
    const of = (name: AmountName) => Math.min(SPARE_MAX[name], Math.floor(this.#left[name] / SPARE_DIVISOR));
    return { bytes: of('bytes'), objects: of('objects'), containers: of('containers') };
  }
}

/** The limit that `wanted` more would pass; none that it adds nothing to. */
function exceeded(used: Amounts, wanted: Amounts, limits: Limits): AmountName | undefined {
  const total = plus(used, wanted);
  return amountNames.find(
    (name) => wanted[name] > 0 && total[name] > (limits[name] ?? Number.POSITIVE_INFINITY),
  );
}

function leftOf(limits: Limits, used: Amounts): Amounts {
  const of = (name: AmountName) => Math.max(0, (limits[name] ?? 0) - used[name]);
  return { bytes: of('bytes'), objects: of('objects'), containers: of('containers') };
}
