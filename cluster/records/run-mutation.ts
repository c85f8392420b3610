/** Drives one mutation over the wire: sends what the core says, keeps its time. */
import type { Ballot } from '#common/ballot.ts';
import { HoldfastError } from '#common/errors.ts';
import type { RecordKey } from '#common/codec/record-key.ts';
import type { Timer } from '#common/io/clock.ts';
import type { RegisterRequest } from '#storage-node/protocol/node-access.ts';
import type { NodeReply } from '#storage-node/protocol/node-reply.ts';
import { type ClusterContext, type Placement, placeRecord, votersIn } from '../context.ts';
import { type Decide, Mutation, type MutationStep } from '../register/mutation.ts';
import type { Ticked, Ticker } from '../ticker.ts';

/** A mutation that has not been decided by then is given up. */
export const MUTATION_MS_MAX = 15_000;
/** An attempt without an end by then is followed by another with the same id. */
const ATTEMPT_MS_MAX = 2000;
const PAUSE_MS_MIN = 2;
const PAUSE_MS_MAX = 200;

export function runMutation<Result>(
  context: ClusterContext,
  ticker: Ticker,
  key: RecordKey,
  decide: Decide<Result>,
): Promise<Result> {
  return new Promise((resolve, reject) =>
    new RunningMutation(context, ticker, key, decide, resolve, reject).start(),
  );
}

class RunningMutation<Result> implements Ticked {
  readonly #context: ClusterContext;
  readonly #ticker: Ticker;
  readonly #key: RecordKey;
  /** Of this attempt: the ring may change between two. */
  #placement: Placement;
  readonly #mutation: Mutation<Result>;
  readonly #resolve: (result: Result) => void;
  readonly #reject: (error: unknown) => void;
  readonly #deadlineMs: number;
  #ticking = -1;
  #attemptEndsMs = 0;
  #attempts = 0;
  #pause: Timer | undefined;
  #lastFailure: HoldfastError | undefined;
  /** The round of the last ACCEPT, its ballot, and the voters that have not taken it. */
  #proposal: { readonly round: number; readonly ballot: Ballot; readonly missed: number[] } | undefined;
  #decided = false;
  #over = false;

  constructor(
    context: ClusterContext,
    ticker: Ticker,
    key: RecordKey,
    decide: Decide<Result>,
    resolve: (result: Result) => void,
    reject: (error: unknown) => void,
  ) {
    this.#context = context;
    this.#ticker = ticker;
    this.#key = key;
    this.#placement = placeRecord(context, key);
    const id = context.randomness.bytes(16).toString('hex');
    this.#mutation = new Mutation(id, votersIn(this.#placement), context.ballots, decide);
    this.#resolve = resolve;
    this.#reject = reject;
    this.#deadlineMs = context.clock.monotonicMs() + MUTATION_MS_MAX;
  }

  start(): void {
    this.#ticking = this.#ticker.add(this);
    this.#attempt();
  }

  tick(nowMs: number): void {
    if (nowMs >= this.#deadlineMs) this.#giveUp();
    else if (this.#pause === undefined && nowMs >= this.#attemptEndsMs) this.#attempt();
  }

  #attempt(): void {
    this.#pause = undefined;
    this.#attempts += 1;
    const { figures } = this.#context;
    if (figures !== undefined) figures[this.#attempts === 1 ? 'mutations' : 'repeatedAttempts'] += 1;
    this.#attemptEndsMs = this.#context.clock.monotonicMs() + ATTEMPT_MS_MAX;
    if (this.#attempts > 1) this.#placement = placeRecord(this.#context, this.#key);
    this.#follow(this.#mutation.begin(votersIn(this.#placement)));
  }

  #follow(step: MutationStep<Result>): void {
    if (this.#over) return;
    if (step.type === 'prepare') {
      const { route } = this.#placement;
      this.#sendAll(step.round, { type: 'prepare', route, key: this.#key, ballot: step.ballot });
    } else if (step.type === 'accept') {
      const { route } = this.#placement;
      this.#proposal = { round: step.round, ballot: step.state.ballot, missed: [] };
      this.#sendAll(step.round, { type: 'accept', route, key: this.#key, state: step.state });
    } else if (step.type === 'pause') {
      this.#pauseThenAttempt();
    } else if (step.type === 'done') {
      this.#end();
      this.#tellMisses();
      this.#resolve(step.result);
    } else if (step.type === 'failed') {
      this.#end();
      this.#reject(step.error);
    }
  }

  #sendAll(round: number, request: RegisterRequest): void {
    this.#placement.devices.forEach((device, member) => {
      const client = this.#context.nodes.client(device, 'small');
      client.ask(device, request, (reply) => this.#answer(round, member, reply));
    });
  }

  #answer(round: number, member: number, reply: NodeReply): void {
    if (reply.type === 'failed') {
      this.#lastFailure = reply.error;
      if (reply.error.code === 'ring-outdated') this.#context.ringOutdated?.();
    }
    const isMiss = round === this.#proposal?.round && reply.type !== 'accepted';
    if (isMiss) this.#proposal?.missed.push(member);
    if (!this.#over) this.#follow(this.#mutation.answer(round, member, reply));
    else if (isMiss && this.#decided) this.#tellMiss(member);
  }

  /** What has been decided and was not taken by some. Those that have not answered yet will be told of when they have. */
  #tellMisses(): void {
    this.#decided = true;
    for (const member of this.#proposal?.missed ?? []) this.#tellMiss(member);
  }

  #tellMiss(member: number): void {
    const device = this.#placement.devices[member];
    if (device === undefined || this.#proposal === undefined) return;
    const { ballot } = this.#proposal;
    this.#context.misses?.record(device, { key: this.#key, ballot, isDamaged: false });
  }

  #pauseThenAttempt(): void {
    const bound = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** Math.min(this.#attempts, 10));
    const pauseMs = 1 + this.#context.randomness.below(bound);
    this.#pause = this.#context.clock.after(pauseMs, () => {
      if (!this.#over) this.#attempt();
    });
  }

  #giveUp(): void {
    this.#end();
    if (this.#context.figures !== undefined) this.#context.figures.givenUp += 1;
    const cause = this.#lastFailure;
    const full = cause?.code === 'device-full';
    const code = this.#mutation.mayHaveTakenEffect
      ? 'outcome-unknown'
      : full
        ? 'device-full'
        : 'quorum-unavailable';
    this.#reject(new HoldfastError(code, undefined, { cause }));
  }

  #end(): void {
    this.#over = true;
    this.#pause?.cancel();
    this.#ticker.remove(this.#ticking, this);
  }
}
