/** Drives one operation over the simulated network, keeping time as the cluster's own drivers do. */
import type { Ballot } from '#common/ballot.ts';
import type { RecordKey } from '#common/codec/record-key.ts';
import { hasCode } from '#common/errors.ts';
import type { Decision, StoredRecord } from '#cluster/cluster.ts';
import type { MutationStep } from '#cluster/register/mutation.ts';
import { votersOf } from '#cluster/register/quorum.ts';
import type { ReadingStep } from '#cluster/register/reading.ts';
import { encodeAccept } from '#storage-node/protocol/messages/accept.ts';
import { encodePrepare } from '#storage-node/protocol/messages/prepare.ts';
import { encodeRead } from '#storage-node/protocol/messages/read.ts';
import type { Cores, MutationCore, ReadingCore } from './cores.ts';
import type { Dice } from './dice.ts';
import { type Action, type Outcome, applies, valueAfter } from './operation.ts';
import { type SimulatedProposer, describeBallot } from './simulated-proposer.ts';
import type { Timeline } from './timeline.ts';
import type { Trace } from './trace.ts';

const ROUTE = { partition: 7, epoch: 1 };
const PAUSE_MS_MIN = 2;
const PAUSE_MS_MAX = 200;
const EMPTY = Buffer.alloc(0);
/** Pads a content beyond its value. */
const PADDING = '.';

export interface OperationTimes {
  readonly attemptMs: number;
  readonly deadlineMs: number;
  readonly hurryMs: number;
}

/** How an operation ended: with an outcome; for certain without effect; or nobody knows. */
export type Ending =
  | { readonly type: 'outcome'; readonly outcome: Outcome }
  | { readonly type: 'without effect' | 'unknown'; readonly failure: string };

export interface RunContext {
  readonly timeline: Timeline;
  readonly dice: Dice;
  readonly cores: Cores;
  readonly trace: Trace;
  readonly members: number;
  readonly times: OperationTimes;
  /** Faults have ended: nothing is given up any more. */
  readonly isCalm: () => boolean;
}

export interface OperationRequest {
  readonly label: string;
  readonly id: string;
  readonly key: RecordKey;
  readonly action: Action;
  /** Whether a condition that fails is thrown out of the decision, instead of kept. */
  readonly throwsRefusal: boolean;
  readonly contentBytes: number;
}

/** Thrown out of a decision whose condition fails, as services do. */
class ConditionFailed extends Error {
  readonly outcome: Outcome;

  constructor(outcome: Outcome) {
    super('the condition failed');
    this.outcome = outcome;
  }
}

export class RunningOperation {
  readonly #context: RunContext;
  readonly #proposer: SimulatedProposer;
  readonly #request: OperationRequest;
  readonly #ended: (ending: Ending) => void;
  #mutation: MutationCore | undefined;
  #attempts = 0;
  #over = false;

  constructor(
    context: RunContext,
    proposer: SimulatedProposer,
    request: OperationRequest,
    ended: (ending: Ending) => void,
  ) {
    this.#context = context;
    this.#proposer = proposer;
    this.#request = request;
    this.#ended = ended;
  }

  start(): void {
    const { timeline, times } = this.#context;
    this.#proposer.running.add(this);
    timeline.after(times.deadlineMs, () => this.#deadline());
    if (this.#request.action.type === 'read') this.#startReading();
    else this.#startMutation();
  }

  /** The process that drove it has died. */
  abandon(): void {
    this.#end({ type: 'unknown', failure: 'crash' });
  }

  #deadline(): void {
    if (this.#over || this.#context.isCalm()) return;
    if (this.#mutation?.mayHaveTakenEffect === true) this.#end({ type: 'unknown', failure: 'deadline' });
    else this.#end({ type: 'without effect', failure: 'deadline' });
  }

  #startReading(): void {
    const { timeline, cores, times, members, dice } = this.#context;
    const turn = dice.below(members);
    const order = Array.from({ length: members }, (_, index) => (index + turn) % members);
    const reading = cores.reading(order);
    reading.first().forEach((member, index) => this.#ask(reading, member, index > 0));
    timeline.after(times.hurryMs, () => this.#followReading(reading, () => reading.hurry()));
    timeline.after(times.attemptMs, () => this.#followReading(reading, () => ({ type: 'settle' })));
  }

  #ask(reading: ReadingCore, member: number, ballotOnly: boolean): void {
    this.#trace(() => `asks member ${member} for its ${ballotOnly ? 'ballot' : 'state'}`);
    const message = encodeRead({ type: 'read', route: ROUTE, key: this.#request.key, ballotOnly });
    this.#proposer.request(member, message, (_, reply) =>
      this.#followReading(reading, () => reading.answer(member, reply)),
    );
  }

  #followReading(reading: ReadingCore, next: () => ReadingStep): void {
    if (this.#over || this.#mutation !== undefined) return;
    const step = next();
    if (step.type === 'ask') for (const member of step.members) this.#ask(reading, member, false);
    else if (step.type === 'settle') this.#startMutation();
    else if (step.type === 'done') {
      const found = step.state?.live === true ? valueOf(step.state.content) : undefined;
      this.#end({ type: 'outcome', outcome: { found, applied: false } });
    }
  }

  #startMutation(): void {
    const { cores, members } = this.#context;
    const { id } = this.#request;
    this.#mutation = cores.mutation(id, votersOf(members), this.#proposer.ballots, (current, ballot) =>
      this.#decide(current, ballot),
    );
    this.#attempt(this.#mutation);
  }

  #decide(current: StoredRecord | undefined, ballot: Ballot): Decision<Outcome> {
    const { action, throwsRefusal, contentBytes } = this.#request;
    const found = current === undefined ? undefined : valueOf(current.content);
    const applied = applies(action, found);
    const outcome = { found, applied };
    this.#trace(
      () => `finds ${found ?? 'nothing'}, ${applied ? 'writes' : 'keeps'} under ${describeBallot(ballot)}`,
    );
    if (!applied) {
      if (throwsRefusal) throw new ConditionFailed(outcome);
      return { action: 'keep', result: outcome };
    }
    const value = valueAfter(action);
    if (value === undefined) return { action: 'remove', result: outcome };
    const content = Buffer.from(value.padEnd(contentBytes, PADDING));
    return { action: 'write', summary: EMPTY, content, result: outcome };
  }

  #attempt(mutation: MutationCore): void {
    const { timeline, times } = this.#context;
    this.#attempts += 1;
    const attempt = this.#attempts;
    timeline.after(times.attemptMs, () => {
      if (!this.#over && this.#attempts === attempt) this.#attempt(mutation);
    });
    this.#follow(mutation, mutation.begin());
  }

  #follow(mutation: MutationCore, step: MutationStep<Outcome>): void {
    const { key } = this.#request;
    if (step.type === 'prepare') {
      this.#trace(() => `prepares ${describeBallot(step.ballot)}`);
      this.#sendAll(mutation, step.round, () =>
        encodePrepare({ type: 'prepare', route: ROUTE, key, ballot: step.ballot }),
      );
    } else if (step.type === 'accept') {
      this.#trace(() => `proposes ${describeBallot(step.state.ballot)}`);
      this.#sendAll(mutation, step.round, () =>
        encodeAccept({ type: 'accept', route: ROUTE, key, state: step.state }),
      );
    } else if (step.type === 'pause') {
      this.#pause(mutation);
    } else if (step.type === 'done') {
      this.#end({ type: 'outcome', outcome: step.result });
    } else if (step.type === 'failed') {
      this.#fail(step.error);
    }
  }

  #sendAll(mutation: MutationCore, round: number, encode: () => ReturnType<typeof encodePrepare>): void {
    for (let member = 0; member < this.#context.members; member += 1) {
      this.#proposer.request(member, encode(), (_, reply) => {
        if (!this.#over) this.#follow(mutation, mutation.answer(round, member, reply));
      });
    }
  }

  #pause(mutation: MutationCore): void {
    const { timeline, dice } = this.#context;
    const attempt = this.#attempts;
    const bound = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** Math.min(attempt, 10));
    timeline.after(1 + dice.below(bound), () => {
      if (!this.#over && this.#attempts === attempt) this.#attempt(mutation);
    });
  }

  #fail(error: unknown): void {
    if (error instanceof ConditionFailed) this.#end({ type: 'outcome', outcome: error.outcome });
    else if (hasCode(error, 'outcome-unknown')) this.#end({ type: 'unknown', failure: error.code });
    else throw error;
  }

  #end(ending: Ending): void {
    if (this.#over) return;
    this.#over = true;
    this.#proposer.running.delete(this);
    this.#ended(ending);
  }

  #trace(line: () => string): void {
    this.#context.trace(() => `${this.#request.label} ${line()}`);
  }
}

function valueOf(content: Buffer): string {
  const text = content.toString();
  const end = text.indexOf(PADDING);
  return end < 0 ? text : text.slice(0, end);
}
