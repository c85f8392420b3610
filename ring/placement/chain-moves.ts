/**
 * Helps where a device lacks replicas and none of those in surplus may go to it, because their partitions are there
 * already or would lie worse: one replica goes from the surplus to a device between, one of another partition from
 * there onwards, and so on. The shortest chains are found from the devices that lack replicas backwards. A chain costs
 * several moves for one replica, so it comes last.
 */
import type { MoveRules } from './even-out.ts';
import type { Workspace } from './workspace.ts';

const CHAIN_STEPS_MAX = 5;
const ROUNDS_MAX = 16;
/** Steps that are kept for each device: each serves one chain. */
const STEPS_KEPT = 32;
const DESTINATIONS_TRIED = 24;

/** A replica that may go one device nearer to where one is lacking. */
interface Step {
  readonly partition: number;
  readonly row: number;
  readonly to: number;
}

/** @returns replicas moved. */
export function chainMoves(work: Workspace, rules: MoveRules): number {
  let moved = 0;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const steps = findSteps(work, rules);
    let movedNow = 0;
    for (const from of steps.keys()) {
      while (work.surplus(from) > 0) {
        const taken = takeChain(work, steps, from);
        if (taken === 0) break;
        movedNow += taken;
      }
    }
    if (movedNow === 0) break;
    moved += movedNow;
  }
  return moved;
}

/** The steps of each device that can reach a lacking one, up to the shortest chains from a device in surplus. */
function findSteps(work: Workspace, { random, mayMove }: MoveRules): Map<number, Step[]> {
  const steps = new Map<number, Step[]>();
  const leaves = work.tree.devices.map((_, leaf) => leaf);
  if (!leaves.some((leaf) => work.surplus(leaf) > 0)) return steps;
  let frontier = leaves.filter((leaf) => work.surplus(leaf) < 0);
  const reached = new Set(frontier);
  for (let length = 1; length <= CHAIN_STEPS_MAX && frontier.length > 0; length++) {
    const next = new Map<number, Step[]>();
    for (const partition of random.permutation(work.partitions)) {
      if (work.changed[partition] === 1 || !mayMove(partition)) continue;
      collectSteps(work, partition, frontier, random.below(frontier.length), reached, next);
    }
    for (const [leaf, found] of next) {
      steps.set(leaf, found);
      reached.add(leaf);
    }
    frontier = [...next.keys()];
    if (frontier.some((leaf) => work.surplus(leaf) > 0)) break;
  }
  return steps;
}

function collectSteps(
  work: Workspace,
  partition: number,
  frontier: readonly number[],
  start: number,
  reached: ReadonlySet<number>,
  into: Map<number, Step[]>,
): void {
  for (let row = 0; row < work.rows.length; row++) {
    const from = work.leafAt(row, partition);
    if (from >= work.tree.devices.length || reached.has(from)) continue;
    const known = into.get(from) ?? [];
    if (known.length >= STEPS_KEPT) continue;
    for (let tried = 0; tried < Math.min(frontier.length, DESTINATIONS_TRIED); tried++) {
      const to = frontier[(start + tried) % frontier.length] as number;
      if (work.holds(partition, to) || work.priceOfMove(partition, from, to) > 0) continue;
      known.push({ partition, row, to });
      into.set(from, known);
      break;
    }
  }
}

/** Makes the moves of one chain that begins at the device; returns how many, 0 when none is left. */
function takeChain(work: Workspace, steps: ReadonlyMap<number, Step[]>, first: number): number {
  const chain: Step[] = [];
  let from = first;
  while (chain.length === 0 || steps.has(from)) {
    const step = steps
      .get(from)
      ?.find(
        ({ partition, to }) =>
          work.changed[partition] === 0 &&
          !chain.some((taken) => taken.partition === partition) &&
          (steps.has(to) || work.surplus(to) < 0),
      );
    if (step === undefined) return 0;
    chain.push(step);
    from = step.to;
  }
  for (const { partition, row, to } of chain) {
    work.set(row, partition, to);
    work.changed[partition] = 1;
  }
  return chain.length;
}
