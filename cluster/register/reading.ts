/**
 * One read of one register: docs/formats/register.md, "A read". Pure, as the mutation is.
 */
import { type Ballot, compareBallots, sameBallot } from '#common/ballot.ts';
import type { AcceptedState } from '#storage-node/protocol/accepted-state.ts';
import type { NodeReply } from '#storage-node/protocol/node-reply.ts';
import { isQuorum, type Voters, votersOf } from './quorum.ts';

export type ReadingStep =
  | { readonly type: 'wait' }
  /** Ask these members too, for the whole state. */
  | { readonly type: 'ask'; readonly members: readonly number[] }
  | { readonly type: 'done'; readonly state: AcceptedState | undefined }
  /** Replies can't tell what is decided: a mutation that keeps what it finds must. */
  | { readonly type: 'settle' };

const WAIT = { type: 'wait' } as const;

interface Shown {
  readonly voter: number;
  readonly ballot: Ballot | undefined;
  /** Present where the member was asked for it and has one. */
  readonly state: AcceptedState | undefined;
  readonly whole: boolean;
}

export class Reading {
  readonly #order: readonly number[];
  readonly #voters: Voters;
  readonly #shown = new Map<number, Shown>();
  #asked: number;
  #lost = 0;
  #ended = false;

  /**
   * @param order members by preference: the first is asked for the state, the next for their ballots.
   * @param joining devices that join the partition: what is decided stands on them too.
   */
  constructor(order: readonly number[], joining = 0) {
    this.#order = order;
    this.#voters = votersOf(order.length, joining);
    this.#asked = this.#voters.majority;
  }

  /** The voters asked at first: the state of the first, the ballots of the others. */
  first(): readonly number[] {
    const { members, joining, majority } = this.#voters;
    const asked = this.#order.slice(0, majority);
    for (let voter = members; voter < members + joining; voter += 1) asked.push(voter);
    return asked;
  }

  /** After the end: voters that have shown less than what is decided. */
  behind(decided: AcceptedState | undefined): number[] {
    if (decided === undefined) return [];
    const isLess = ({ ballot }: Shown): boolean =>
      ballot === undefined || compareBallots(ballot, decided.ballot) < 0;
    return [...this.#shown.values()].filter(isLess).map(({ voter }) => voter);
  }

  answer(member: number, reply: NodeReply): ReadingStep {
    if (this.#ended) return WAIT;
    if (reply.type === 'state') {
      this.#shown.set(member, {
        voter: member,
        ballot: reply.state?.ballot,
        state: reply.state,
        whole: true,
      });
    } else if (reply.type === 'ballot') {
      const whole = reply.ballot === undefined;
      this.#shown.set(member, { voter: member, ballot: reply.ballot, state: undefined, whole });
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
      if (!this.#isQuorum(same)) continue;
      const whole = same.find((shown) => shown.whole);
      if (whole !== undefined) {
        this.#ended = true;
        return { type: 'done', state: whole.state };
      }
    }
    if (this.#shown.size + this.#lost < this.#asked + this.#voters.joining) return WAIT;
    const rest = this.#askRest();
    if (rest.type === 'ask') return rest;
    this.#ended = true;
    return { type: 'settle' };
  }

  #isQuorum(shown: readonly Shown[]): boolean {
    const { joining, majority } = this.#voters;
    if (joining === 0) return shown.length >= majority;
    return isQuorum(this.#voters, new Set(shown.map(({ voter }) => voter)));
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
