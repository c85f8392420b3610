/** What a new record remembers of the operations before it: docs/formats/register.md, "Terms". */
import { type Ballot, TICKS_PER_MS, ZERO_BALLOT, compareBallots } from '#common/ballot.ts';
import type { AcceptedState, AppliedOperation } from '#storage-node/protocol/accepted-state.ts';

export const HISTORY_MAX = 32;
const HISTORY_AGE_MS_MAX = 300_000;

export interface Remembered {
  readonly history: readonly AppliedOperation[];
  readonly horizon: Ballot;
}

/** The history behind `current` with `applied` appended, and the horizon that follows from what had to leave. */
export function remember(current: AcceptedState | undefined, applied: AppliedOperation): Remembered {
  const oldestClock = applied.ballot.clock - HISTORY_AGE_MS_MAX * TICKS_PER_MS;
  let horizon = current?.horizon ?? ZERO_BALLOT;
  const kept: AppliedOperation[] = [];
  const before = current?.history ?? [];
  before.forEach((operation, index) => {
    const stays = before.length - index < HISTORY_MAX && operation.ballot.clock >= oldestClock;
    if (stays) kept.push(operation);
    else if (compareBallots(operation.ballot, horizon) > 0) horizon = operation.ballot;
  });
  kept.push(applied);
  return { history: kept, horizon };
}
