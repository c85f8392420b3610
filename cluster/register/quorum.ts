/** Majorities, and the states that replies show. */
import { compareBallots, sameBallot } from '#common/ballot.ts';
import type { AcceptedState } from '#storage-node/protocol/accepted-state.ts';

export function majorityOf(members: number): number {
  return Math.floor(members / 2) + 1;
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
