/** The ring of a schedule: one partition, whose members change one by one; each machine sees a change when it sees it. */
import { BuilderBook } from '#cluster/rebalance/builder-book.ts';
import type { MoveBook } from '#cluster/rebalance/move-book.ts';
import { type BuilderState, RingBuilder } from '#ring/builder.ts';
import { LiveRing } from '#ring/live-ring.ts';
import { planMoves, standingTable } from '#ring/moves.ts';
import type { Ring, RingDevice } from '#ring/ring.ts';
import { ringOf } from '#ring/table-ring.ts';
import type { Dice } from '../dice.ts';
import type { Timeline } from '../timeline.ts';

export class MovingRing {
  current: Ring;
  moves = 0;
  readonly #timeline: Timeline;
  readonly #dice: Dice;
  readonly #delayMsMax: number;
  readonly #live = new Set<LiveRing>();
  #state: BuilderState;

  /** @param devices the first of them are the members. */
  constructor(
    timeline: Timeline,
    dice: Dice,
    devices: readonly RingDevice[],
    members: number,
    delayMsMax: number,
  ) {
    this.#timeline = timeline;
    this.#dice = dice;
    this.#delayMsMax = delayMsMax;
    const { state } = RingBuilder.create({ partitionPower: 0, replicas: members });
    const rows = devices.slice(0, members).map(({ id }) => Uint16Array.of(id));
    const nextDeviceId = devices.length;
    const epochs = Uint32Array.of(1);
    this.#state = {
      ...state,
      version: 1,
      nextDeviceId,
      devices,
      balanced: devices,
      rows,
      epochs,
      staged: false,
    };
    this.current = ringOf(standingTable(this.#state));
  }

  /** The ring as one machine has it: it reads it when it starts, and looks when a peer has a newer one. */
  live(): LiveRing {
    const live: LiveRing = new LiveRing(this.current, () =>
      this.#timeline.after(this.#dice.between(0.05, 1), () => live.update(this.current)),
    );
    this.#live.add(live);
    return live;
  }

  /** The machine has died. */
  forget(live: LiveRing): void {
    this.#live.delete(live);
  }

  /** Plans to put a device that is no member in the place of one that is. */
  planMove(): void {
    const { rows, moves } = this.#state;
    const members = rows.map((row) => row[0]);
    const others = this.#state.devices.filter(({ id }) => !members.includes(id));
    if (moves.length > 0 || others.length === 0) return;
    const target = rows.map((row) => row.slice());
    (target[this.#dice.below(target.length)] as Uint16Array)[0] = this.#dice.pick(others).id;
    this.#state = planMoves(this.#state, target).state;
  }

  get state(): BuilderState {
    return this.#state;
  }

  book(): MoveBook {
    return new BuilderBook({
      nowMs: () => this.#timeline.nowMs,
      load: async () => this.#state,
      change: async (change) => {
        const { version } = this.#state;
        const before = this.#state.rows;
        this.#state = change(this.#state);
        if (this.#state.rows.some((row, at) => row[0] !== before[at]?.[0])) this.moves += 1;
        if (this.#state.version > version) this.#publish();
      },
    });
  }

  #publish(): void {
    this.current = ringOf(standingTable(this.#state));
    for (const live of this.#live)
      this.#timeline.after(this.#dice.between(0, this.#delayMsMax), () => live.update(this.current));
  }
}
