/** Majorities, joint ones too, and the states that replies show. */
import { compareBallots, sameBallot } from '#common/ballot.ts';
import type { AcceptedState } from '#storage-node/protocol/accepted-state.ts';

export function majorityOf(members: number): number {
  return Math.floor(members / 2) + 1;
}

/**
 * Who decides on a partition's registers: its members, numbered from 0, and behind them the devices that join it. A quorum is a
 * majority of the members and every device that joins.
 */
export interface Voters {
  readonly members: number;
  readonly joining: number;
  readonly majority: number;
}

export function votersOf(members: number, joining = 0): Voters {
  return { members, joining, majority: majorityOf(members) };
}

interface Ballots {
  readonly size: number;
  has(voter: number): boolean;
}

/** Whether those who have voted, each by its number, are a quorum. */
export function isQuorum({ members, joining, majority }: Voters, voted: Ballots): boolean {
  if (voted.size < majority + joining) return false;
  for (let voter = members; voter < members + joining; voter += 1) if (!voted.has(voter)) return false;
  return true;
}

/** Whether those who are lost leave no quorum. */
export function isOutOfReach({ members, joining, majority }: Voters, lost: Ballots): boolean {
  if (joining === 0) return members - lost.size < majority;
  let left = members;
  for (let voter = 0; voter < members + joining; voter += 1) {
    if (!lost.has(voter)) continue;
    if (voter >= members) return true;
    left -= 1;
  }
  return left < majority;
}

/** The accepted state with the highest ballot, or undefined when none of the replies shows one. */
export function highestState(states: Iterable<AcceptedState | undefined>): AcceptedState | undefined {
  let highest: AcceptedState | undefined;
  for (const state of states) {
    if (state === undefined) continue;
    if (highest === undefined || compareBallots(state.ballot, highest.ballot) > 0) highest = state;
  }
  return highest;
}

/** Whether every one of the states bears the same ballot, or every one is absent. */
export function allAlike(states: readonly (AcceptedState | undefined)[]): boolean {
  const first = states[0];
  return states.every((state) =>
    state === undefined || first === undefined ? state === first : sameBallot(state.ballot, first.ballot),
  );
}
