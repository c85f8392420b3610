/**
 * One mutation of one register, as a proposer drives it: docs/formats/register.md, "A mutation". Pure: answers go in, what
 * to send comes out. The caller owns time: it begins the next attempt after the pause, and gives up at the deadline.
 */
import { type Ballot, type BallotClock, ZERO_BALLOT, compareBallots } from '#common/ballot.ts';
import { HoldfastError } from '#common/errors.ts';
import { type AcceptedState, NOTHING_COUNTED, checkCounted } from '#storage-node/protocol/accepted-state.ts';
import type { NodeReply } from '#storage-node/protocol/node-reply.ts';
import type { Decision } from '../cluster.ts';
import { remember } from './history.ts';
import { allAlike, highestState, isOutOfReach, isQuorum, type Voters } from './quorum.ts';

/** What a mutation wants done. Answers are handed in with the `round` they belong to. */
export type MutationStep<Result> =
  | { readonly type: 'wait' }
  | { readonly type: 'prepare'; readonly round: number; readonly ballot: Ballot }
  | { readonly type: 'accept'; readonly round: number; readonly state: AcceptedState }
  /** This attempt can't succeed: call `begin` after a pause. */
  | { readonly type: 'pause' }
  | { readonly type: 'done'; readonly result: Result }
  | { readonly type: 'failed'; readonly error: unknown };

export type Decide<Result> = (current: AcceptedState | undefined, ballot: Ballot) => Decision<Result>;

const WAIT = { type: 'wait' } as const;
const EMPTY = Buffer.alloc(0);
/** What a register that was never written holds, where it has to be proposed. */
const NOTHING: Omit<AcceptedState, 'ballot'> = {
  history: [],
  horizon: ZERO_BALLOT,
  counted: NOTHING_COUNTED,
  live: false,
  summary: EMPTY,
  content: EMPTY,
};

export class Mutation<Result> {
  /** 32 hexadecimal digits; the same over all attempts. */
  readonly id: string;
  #voters: Voters;
  readonly #clock: BallotClock;
  readonly #decide: Decide<Result>;
  #round = 0;
  #phase: 'idle' | 'prepare' | 'accept' = 'idle';
  #ballot: Ballot;
  readonly #promised = new Map<number, AcceptedState | undefined>();
  readonly #accepted = new Set<number>();
  readonly #lost = new Set<number>();
  /** Results by the clock of the ballot under which each attempt proposed. */
  readonly #results = new Map<number, Result>();
  #firstProposed: Ballot | undefined;
  #result: Result | undefined;
  /** What the decision of this attempt has thrown. */
  #thrown: { readonly error: unknown } | undefined;

  constructor(id: string, voters: Voters, clock: BallotClock, decide: Decide<Result>) {
    this.id = id;
    this.#voters = voters;
    this.#clock = clock;
    this.#decide = decide;
    this.#ballot = { clock: 0, writer: clock.writer };
  }

  /** Whether an ACCEPT of a decision of ours was ever sent: then giving up leaves the outcome open. */
  get mayHaveTakenEffect(): boolean {
    return this.#firstProposed !== undefined;
  }

  /** Begins the first attempt, or the next one. @param voters as they are by now, when the ring has changed. */
  begin(voters: Voters = this.#voters): MutationStep<Result> {
    this.#voters = voters;
    this.#ballot = this.#clock.next();
    this.#promised.clear();
    this.#thrown = undefined;
    this.#enter('prepare');
    return { type: 'prepare', round: this.#round, ballot: this.#ballot };
  }

  /** @param member number of the voter that answered. */
  answer(round: number, member: number, reply: NodeReply): MutationStep<Result> {
    if (reply.type === 'refused') this.#clock.witness(reply.clock);
    if (round !== this.#round || this.#phase === 'idle') return WAIT;
    if (this.#phase === 'prepare' && reply.type === 'promised') return this.#promise(member, reply.state);
    if (this.#phase === 'accept' && reply.type === 'accepted') return this.#acceptance(member);
    this.#lost.add(member);
    if (!isOutOfReach(this.#voters, this.#lost)) return WAIT;
    this.#phase = 'idle';
    return { type: 'pause' };
  }

  #enter(phase: 'prepare' | 'accept'): void {
    this.#phase = phase;
    this.#round += 1;
    this.#lost.clear();
    this.#accepted.clear();
  }

  #promise(member: number, state: AcceptedState | undefined): MutationStep<Result> {
    this.#promised.set(member, state);
    if (!isQuorum(this.#voters, this.#promised)) return WAIT;
    const seen = [...this.#promised.values()];
    return this.#choose(highestState(seen), allAlike(seen));
  }

  #choose(current: AcceptedState | undefined, decided: boolean): MutationStep<Result> {
    const applied = current?.history.find((operation) => operation.id === this.id);
    if (current !== undefined && applied !== undefined) {
      this.#result = this.#results.get(applied.ballot.clock) as Result;
      return this.#propose({ ...current, ballot: this.#ballot });
    }
    if (this.#firstProposed !== undefined && current !== undefined) {
      if (compareBallots(current.horizon, this.#firstProposed) >= 0) {
        return this.#fail(new HoldfastError('outcome-unknown'));
      }
    }
    let decision: Decision<Result>;
    try {
      decision = this.#decide(current?.live === true ? current : undefined, this.#ballot);
    } catch (error) {
      // Whoever catches it has learnt what was seen, just as from a result.
      this.#thrown = { error };
      return this.#keep(current, decided);
    }
    this.#result = decision.result;
    if (decision.action === 'keep') return this.#keep(current, decided);
    return this.#propose(this.#newState(current, decision));
  }

  #keep(current: AcceptedState | undefined, decided: boolean): MutationStep<Result> {
    // What a quorum shows under one ballot has been decided; so has nothing, when a quorum shows nothing. But an
    // earlier ACCEPT of ours may stand on a minority: it could come back, unless something is decided above it.
    if (decided && this.#firstProposed === undefined) return this.#finish();
    return this.#propose({ ...(current ?? NOTHING), ballot: this.#ballot });
  }

  #newState(
    current: AcceptedState | undefined,
    decision: Exclude<Decision<Result>, { action: 'keep' }>,
  ): AcceptedState {
    const ballot = this.#ballot;
    this.#firstProposed ??= ballot;
    this.#results.set(ballot.clock, decision.result);
    const { history, horizon } = remember(current, { id: this.id, ballot });
    if (decision.action === 'remove') {
      return {
        ballot,
        history,
        horizon,
        counted: NOTHING_COUNTED,
        live: false,
        summary: EMPTY,
        content: EMPTY,
      };
    }
    const { summary, content, counted = NOTHING_COUNTED } = decision;
    checkCounted(counted);
    return { ballot, history, horizon, counted, live: true, summary, content };
  }

  #propose(state: AcceptedState): MutationStep<Result> {
    this.#enter('accept');
    return { type: 'accept', round: this.#round, state };
  }

  #acceptance(member: number): MutationStep<Result> {
    this.#accepted.add(member);
    return isQuorum(this.#voters, this.#accepted) ? this.#finish() : WAIT;
  }

  #finish(): MutationStep<Result> {
    this.#phase = 'idle';
    if (this.#thrown !== undefined) return this.#fail(this.#thrown.error);
    return { type: 'done', result: this.#result as Result };
  }

  #fail(error: unknown): MutationStep<Result> {
    this.#phase = 'idle';
    return { type: 'failed', error };
  }
}
