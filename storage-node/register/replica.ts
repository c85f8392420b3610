/**
 * One device's part of every register on it: docs/formats/register.md, "A replica". Pure: a message goes in, what is to
 * be done comes out; the caller makes it durable and sends the answer.
 */
import { type Ballot, TICKS_PER_MS, ZERO_BALLOT, compareBallots, sameBallot } from '#common/ballot.ts';
import type { RecordKey } from '#common/codec/record-key.ts';
import { HoldfastError } from '#common/errors.ts';
import { TransientMap } from '#common/transients.ts';
import type { AcceptedState } from '../protocol/accepted-state.ts';
import type { Accepted, Refused } from '../protocol/messages/accept.ts';
import type { Promised } from '../protocol/messages/prepare.ts';

/** How far a ballot may lie ahead of this device's clock. */
const SKEW_MS_MAX = 3_600_000;
/** The ceiling is raised to this much ahead of the clock, and again when less than half of it is left. */
const CEILING_AHEAD_MS = 10_000;
/** How far it is raised above a ballot that is ahead of the clock: little, or restarts would push floor and ballots away from it. */
const CEILING_ABOVE_BALLOT_MS = 1000;
const PROMISES_MAX = 100_000;

export interface ReplicaOptions {
  /** The ceiling that was durable when the device was opened. */
  readonly floor: number;
  /** The durable accepted state of a key. */
  readonly accepted: (key: RecordKey) => AcceptedState | undefined;
  /** Its ballot alone, also where the state cannot be read any more; that of `accepted` when left out. */
  readonly acceptedBallot?: (key: RecordKey) => Ballot | undefined;
  readonly nowMs: () => number;
  readonly promisesMax?: number;
}

/** What a message makes the caller do. */
export type ReplicaAction =
  | { readonly type: 'answer'; readonly answer: Promised | Accepted | Refused }
  /** Make the state durable, then call `settle`, then answer ACCEPTED; when it fails, settle and answer the failure. */
  | { readonly type: 'append'; readonly state: AcceptedState; readonly settle: (durable: boolean) => void }
  /** This state is being made durable. When it is, answer ACCEPTED to an ACCEPT; hand a PREPARE in again. */
  | { readonly type: 'await'; readonly state: AcceptedState }
  /** Make the ceiling durable, tell `ceilingRaised`, then hand the message in again. */
  | { readonly type: 'raise'; readonly ceiling: number };

export class RegisterReplica {
  #floor: number;
  /** Durable. Nothing has been promised yet, so that the floor itself is the first ceiling. */
  #ceiling: number;
  /** Promises above the accepted ballot, by key. */
  readonly #promises = new TransientMap<string, Ballot>();
  /** States handed out to be appended and not settled yet, by key, oldest first. */
  readonly #pending = new TransientMap<string, AcceptedState[]>();
  /** Clock of the highest ballot promised or accepted since the start. */
  #highest = 0;
  readonly #options: ReplicaOptions;
  readonly #promisesMax: number;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.#floor = options.floor;
    this.#ceiling = options.floor;
    this.#promisesMax = options.promisesMax ?? PROMISES_MAX;
  }

  prepare(key: RecordKey, ballot: Ballot): ReplicaAction {
    this.#checkSkew(ballot);
    const name = key.toString('latin1');
    const accepted = this.#latest(name, key);
    const promised = this.#promises.get(name) ?? ZERO_BALLOT;
    const refused = this.#refusal(ballot, promised, accepted?.ballot);
    if (refused !== undefined || compareBallots(ballot, promised) === 0) {
      return { type: 'answer', answer: refused ?? this.#refuse(promised, accepted?.ballot) };
    }
    // A promise shows what is durable: two that show one ballot must mean that it is decided.
    const onItsWay = this.#pending.get(name)?.at(-1);
    if (onItsWay !== undefined) return { type: 'await', state: onItsWay };
    if (ballot.clock >= this.#ceiling) return { type: 'raise', ceiling: this.#nextCeiling(ballot.clock) };
    this.#promise(name, ballot);
    return { type: 'answer', answer: { type: 'promised', state: accepted } };
  }

  accept(key: RecordKey, state: AcceptedState): ReplicaAction {
    this.#checkSkew(state.ballot);
    const name = key.toString('latin1');
    const accepted = this.#latestBallot(name, key);
    if (accepted !== undefined && sameBallot(accepted, state.ballot)) return this.#alreadyHeld(name);
    const refused = this.#refusal(state.ballot, this.#promises.get(name) ?? ZERO_BALLOT, accepted);
    if (refused !== undefined) return { type: 'answer', answer: refused };
    // The promise stays until the state is durable: if the append fails, the ballot remains promised.
    this.#promise(name, state.ballot);
    return this.#append(name, state);
  }

  #append(name: string, state: AcceptedState): ReplicaAction {
    const pending = this.#pending.get(name);
    if (pending === undefined) this.#pending.set(name, [state]);
    else pending.push(state);
    return { type: 'append', state, settle: (durable) => this.#settle(name, state, durable) };
  }

  /**
   * Takes a state that has been decided: every ballot above it builds upon it, so that no promise stands against it. The action is
   * an append, or an answer when the register has it or what is above it.
   */
  learn(key: RecordKey, state: AcceptedState): ReplicaAction {
    const name = key.toString('latin1');
    const accepted = this.#latestBallot(name, key);
    if (accepted !== undefined && compareBallots(accepted, state.ballot) >= 0) return this.#alreadyHeld(name);
    return this.#append(name, state);
  }

  /**
   * Takes a state that has been decided, which this device missed. Where it has nothing of the key it may have forgotten a tombstone above
   * that state, which all members had; the floor lies at or above every tombstone that was forgotten.
   * @param isDamaged the state that it has cannot be read: the same one takes its place.
   */
  repair(key: RecordKey, state: AcceptedState, isDamaged: boolean): ReplicaAction {
    const name = key.toString('latin1');
    const accepted = this.#latestBallot(name, key);
    if (accepted === undefined && state.ballot.clock <= this.#floor) {
      return { type: 'answer', answer: this.#refuse(ZERO_BALLOT, undefined) };
    }
    const isSame = accepted !== undefined && sameBallot(accepted, state.ballot);
    if (isSame && isDamaged && !this.#pending.has(name)) return this.#append(name, state);
    return this.learn(key, state);
  }

  /** It has this state, or one above it: on its disk, or on the way there. */
  #alreadyHeld(name: string): ReplicaAction {
    const onItsWay = this.#pending.get(name)?.at(-1);
    if (onItsWay !== undefined) return { type: 'await', state: onItsWay };
    return { type: 'answer', answer: { type: 'accepted' } };
  }

  /** Nothing that was promised or accepted so far has a ballot whose clock lies above it. */
  get bound(): number {
    return Math.max(this.#floor, this.#highest);
  }

  /** The ceiling to make durable now, ahead of need; undefined when there is enough room. */
  ceilingDue(): number | undefined {
    const now = this.#options.nowMs() * TICKS_PER_MS;
    const room = this.#ceiling - now;
    return room < (CEILING_AHEAD_MS / 2) * TICKS_PER_MS ? this.#nextCeiling(0) : undefined;
  }

  /** The ceiling to make durable before a tombstone of this ballot is forgotten; undefined when it is below one. */
  ceilingFor(ballot: Ballot): number | undefined {
    return ballot.clock >= this.#ceiling ? this.#nextCeiling(ballot.clock) : undefined;
  }

  /** A tombstone of this ballot is forgotten: nothing that was under way below it may be taken any more, of any key. */
  forget(ballot: Ballot): void {
    this.#floor = Math.max(this.#floor, ballot.clock);
  }

  /** Called when `ceiling` is durable. */
  ceilingRaised(ceiling: number): void {
    this.#ceiling = Math.max(this.#ceiling, ceiling);
  }

  #nextCeiling(clock: number): number {
    const aheadMs = this.#options.nowMs() + CEILING_AHEAD_MS;
    return Math.max(clock + CEILING_ABOVE_BALLOT_MS * TICKS_PER_MS, aheadMs * TICKS_PER_MS);
  }

  #latest(name: string, key: RecordKey): AcceptedState | undefined {
    return this.#pending.get(name)?.at(-1) ?? this.#options.accepted(key);
  }

  #latestBallot(name: string, key: RecordKey): Ballot | undefined {
    const onItsWay = this.#pending.get(name)?.at(-1);
    if (onItsWay !== undefined) return onItsWay.ballot;
    const { accepted, acceptedBallot } = this.#options;
    return acceptedBallot === undefined ? accepted(key)?.ballot : acceptedBallot(key);
  }

  /** A refusal when the ballot lies under what was promised or at or under what was accepted, or under the floor. */
  #refusal(ballot: Ballot, promised: Ballot, accepted: Ballot | undefined): Refused | undefined {
    const fits =
      ballot.clock > this.#floor &&
      compareBallots(ballot, promised) >= 0 &&
      (accepted === undefined || compareBallots(ballot, accepted) > 0);
    return fits ? undefined : this.#refuse(promised, accepted);
  }

  #refuse(promised: Ballot, accepted: Ballot | undefined): Refused {
    return { type: 'refused', clock: Math.max(this.#floor, promised.clock, accepted?.clock ?? 0) };
  }

  #promise(name: string, ballot: Ballot): void {
    this.#promises.set(name, ballot);
    if (ballot.clock > this.#highest) this.#highest = ballot.clock;
    if (this.#promises.size <= this.#promisesMax) return;
    for (const promised of this.#promises.values()) this.#floor = Math.max(this.#floor, promised.clock);
    this.#promises.clear();
  }

  #settle(name: string, state: AcceptedState, durable: boolean): void {
    const pending = this.#pending.get(name) ?? [];
    const left = pending.filter((other) => other !== state);
    if (left.length === 0) this.#pending.delete(name);
    else this.#pending.set(name, left);
    const promised = this.#promises.get(name);
    // What is accepted guards its own ballot.
    if (durable && promised !== undefined && sameBallot(promised, state.ballot)) this.#promises.delete(name);
  }

  #checkSkew(ballot: Ballot): void {
    if (ballot.clock > (this.#options.nowMs() + SKEW_MS_MAX) * TICKS_PER_MS)
      throw new HoldfastError('clock-skewed');
  }
}
