/**
 * One read of one register: docs/formats/register.md, "A read". Pure, as the mutation is.
 */
import { type Ballot, sameBallot } from '#common/ballot.ts';
import type { AcceptedState } from '#storage-node/protocol/accepted-state.ts';
import type { NodeReply } from '#storage-node/protocol/node-reply.ts';
import { majorityOf } from './quorum.ts';

export type ReadingStep =
  | { readonly type: 'wait' }
  /** Ask these members too, for the whole state. */
  | { readonly type: 'ask'; readonly members: readonly number[] }
  | { readonly type: 'done'; readonly state: AcceptedState | undefined }
  /** Replies can't tell what is decided: a mutation that keeps what it finds must. */
  | { readonly type: 'settle' };

const WAIT = { type: 'wait' } as const;

interface Shown {
  readonly ballot: Ballot | undefined;
  /** Present where the member was asked for it and has one. */
  readonly state: AcceptedState | undefined;
  readonly whole: boolean;
}

export class Reading {
  readonly #order: readonly number[];
  readonly #majority: number;
  readonly #shown = new Map<number, Shown>();
  #asked: number;
  #lost = 0;
  #ended = false;

  /** @param order members by preference: the first is asked for the state, the next for their ballots. */
  constructor(order: readonly number[]) {
    this.#order = order;
    this.#majority = majorityOf(order.length);
    this.#asked = this.#majority;
  }

  /** The members asked at first: the state of the first, the ballots of the others. */
  first(): readonly number[] {
    return this.#order.slice(0, this.#majority);
  }

  answer(member: number, reply: NodeReply): ReadingStep {
    if (this.#ended) return WAIT;
    if (reply.type === 'state') {
      this.#shown.set(member, { ballot: reply.state?.ballot, state: reply.state, whole: true });
    } else if (reply.type === 'ballot') {
      this.#shown.set(member, { ballot: reply.ballot, state: undefined, whole: reply.ballot === undefined });
    } else {
      this.#lost += 1;
    }
    return this.#judge();
  }

  /** A member is silent: ask the others without waiting for it. */
  hurry(): ReadingStep {
    return this.#ended ? WAIT : this.#askRest();
  }

  #judge(): ReadingStep {
    for (const candidate of this.#shown.values()) {
      const same = [...this.#shown.values()].filter((shown) => alike(shown.ballot, candidate.ballot));
      if (same.length < this.#majority) continue;
      const whole = same.find((shown) => shown.whole);
      if (whole !== undefined) {
        this.#ended = true;
        return { type: 'done', state: whole.state };
      }
    }
    if (this.#shown.size + this.#lost < this.#asked) return WAIT;
    const rest = this.#askRest();
    if (rest.type === 'ask') return rest;
    this.#ended = true;
    return { type: 'settle' };
  }

  #askRest(): ReadingStep {
    const members = this.#order.slice(this.#asked);
    if (members.length === 0) return WAIT;
    this.#asked = this.#order.length;
    return { type: 'ask', members };
  }
}

function alike(a: Ballot | undefined, b: Ballot | undefined): boolean {
  return a === undefined || b === undefined ? a === b : sameBallot(a, b);
}
