/** Drives one read over the wire. */
import type { RecordKey } from '#common/codec/record-key.ts';
import type { DeviceId } from '#common/ids.ts';
import type { AcceptedState } from '#storage-node/protocol/accepted-state.ts';
import { type ClusterContext, type Placement, placeRecord } from '../context.ts';
import { Reading, type ReadingStep } from '../register/reading.ts';
import type { Ticked, Ticker } from '../ticker.ts';

/** A member that has not answered by then is not waited for alone. */
const HURRY_MS = 100;
/** Without an answer by then the read is settled by a mutation, which has a deadline of its own. */
const READING_MS_MAX = 2000;

/** The decided state, or 'settle' when the replicas' answers could not tell. */
export type ReadingOutcome = { readonly state: AcceptedState | undefined } | 'settle';

export function runReading(context: ClusterContext, ticker: Ticker, key: RecordKey): Promise<ReadingOutcome> {
  return new Promise((resolve) => new RunningReading(context, ticker, key, resolve).start());
}

class RunningReading implements Ticked {
  readonly #context: ClusterContext;
  readonly #ticker: Ticker;
  readonly #key: RecordKey;
  readonly #placement: Placement;
  readonly #reading: Reading;
  readonly #resolve: (outcome: ReadingOutcome) => void;
  readonly #startedMs: number;
  /** Devices that have it and cannot read it. */
  readonly #damaged: DeviceId[] = [];
  #ticking = -1;
  #hurried = false;
  #over = false;

  constructor(
    context: ClusterContext,
    ticker: Ticker,
    key: RecordKey,
    resolve: (outcome: ReadingOutcome) => void,
  ) {
    this.#context = context;
    this.#ticker = ticker;
    this.#key = key;
    this.#placement = placeRecord(context, key);
    const { members, devices } = this.#placement;
    const order = preferred(members.length, context.randomness.below(1 << 16));
    this.#reading = new Reading(order, devices.length - members.length);
    this.#resolve = resolve;
    this.#startedMs = context.clock.monotonicMs();
  }

  start(): void {
    this.#ticking = this.#ticker.add(this);
    this.#reading.first().forEach((member, index) => this.#ask(member, index > 0));
  }

  tick(nowMs: number): void {
    if (nowMs - this.#startedMs >= READING_MS_MAX) {
      this.#end('settle');
    } else if (!this.#hurried && nowMs - this.#startedMs >= HURRY_MS) {
      this.#hurried = true;
      this.#follow(this.#reading.hurry());
    }
  }

  #ask(member: number, ballotOnly: boolean): void {
    const device = this.#placement.devices[member];
    if (device === undefined) throw new Error(`the partition has no member ${member}`);
    const { route } = this.#placement;
    const request = { type: 'read', route, key: this.#key, ballotOnly } as const;
    this.#context.nodes.client(device, 'small').ask(device, request, (reply) => {
      if (reply.type === 'failed') {
        if (reply.error.code === 'ring-outdated') this.#context.ringOutdated?.();
        if (reply.error.code === 'data-corrupt') this.#damaged.push(device);
      }
      if (!this.#over) this.#follow(this.#reading.answer(member, reply));
    });
  }

  #follow(step: ReadingStep): void {
    if (step.type === 'ask') for (const member of step.members) this.#ask(member, false);
    else if (step.type === 'done') {
      this.#tellMisses(step.state);
      this.#end({ state: step.state });
    } else if (step.type === 'settle') this.#end('settle');
  }

  #tellMisses(state: AcceptedState | undefined): void {
    const { misses } = this.#context;
    if (misses === undefined || state === undefined) return;
    const key = this.#key;
    const { ballot } = state;
    for (const voter of this.#reading.behind(state)) {
      const device = this.#placement.devices[voter];
      if (device !== undefined) misses.record(device, { key, ballot, isDamaged: false });
    }
    for (const device of this.#damaged) misses.record(device, { key, ballot, isDamaged: true });
  }

  #end(outcome: ReadingOutcome): void {
    this.#over = true;
    this.#ticker.remove(this.#ticking, this);
    this.#resolve(outcome);
  }
}

/** Members in a rotated order, so that reads spread over all of them. */
export function preferred(members: number, turn: number): number[] {
  return Array.from({ length: members }, (_, index) => (index + turn) % members);
}
