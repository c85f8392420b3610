/** The shape of one schedule: how many take part, how long things take, what goes wrong and how often. */
import type { Dice } from './dice.ts';
import type { DiskOptions } from './simulated-disk.ts';
import type { NetworkOptions } from './simulated-network.ts';

export interface Shape {
  readonly members: number;
  readonly proposers: number;
  /** Operations that one proposer runs at a time. */
  readonly sessions: number;
  readonly keys: number;
  /** Operations begun before the calm. */
  readonly operationsMax: number;
  /** Mean pause of a session between two operations. */
  readonly thinkMs: number;
  readonly network: NetworkOptions;
  readonly disk: DiskOptions;
  /** Mean times between faults of each kind, over all machines; Infinity for none. */
  readonly powerCutEveryMs: number;
  readonly replicaCrashEveryMs: number;
  readonly proposerCrashEveryMs: number;
  readonly cutEveryMs: number;
  readonly clockJumpEveryMs: number;
  readonly downMsMax: number;
  readonly cutMsMax: number;
  readonly skewMsMax: number;
  /** Of the driver of operations, as the cluster's own, but shorter. */
  readonly attemptMs: number;
  readonly deadlineMs: number;
  readonly hurryMs: number;
  readonly promisesMax: number;
  /** When the faults end. */
  readonly calmAtMs: number;
}

const MEMBERS = [3, 3, 3, 3, 3, 3, 4, 5, 5, 1];
/** Most schedules have a bit of everything; others have more of what a certain kind of mistake takes to be seen. */
export function drawShape(dice: Dice): Shape {
  const mixed = drawMixed(dice);
  const kind = dice.below(100);
  if (kind < 50) return mixed;
  if (kind < 75) return drawRestarts(dice, mixed);
  if (kind < 99) return drawPowerCuts(dice, mixed);
  return drawCrowd(mixed);
}

function drawMixed(dice: Dice): Shape {
  const syncMsMax = dice.chance(0.4) ? dice.between(5, 40) : dice.between(0.5, 3);
  const attemptMs = dice.between(10, 60) + syncMsMax;
  return {
    members: dice.pick(MEMBERS),
    proposers: 2 + dice.below(3),
    sessions: 1 + dice.below(2),
    keys: 1 + dice.below(2),
    operationsMax: 10 + dice.below(16),
    thinkMs: dice.between(1, 15),
    network: drawNetwork(dice),
    disk: { syncMsMin: 0.1, syncMsMax },
    powerCutEveryMs: often(dice, 0.1, 50, 200),
    replicaCrashEveryMs: often(dice, 0.7, 10, 100),
    proposerCrashEveryMs: often(dice, 0.3, 30, 200),
    cutEveryMs: often(dice, 0.3, 10, 100),
    clockJumpEveryMs: often(dice, 0.2, 20, 200),
    downMsMax: dice.between(2, 60),
    cutMsMax: dice.between(10, 100),
    skewMsMax: dice.pick([0, 2, 50, 5000, 1_200_000]),
    attemptMs,
    deadlineMs: attemptMs * dice.between(2, 8),
    hurryMs: attemptMs * dice.between(0.2, 0.7),
    promisesMax: dice.chance(0.1) ? 4 : 100_000,
    calmAtMs: dice.between(100, 250),
  };
}

/** Replicas restart within moments, while messages from before are still on their way. */
function drawRestarts(dice: Dice, mixed: Shape): Shape {
  return {
    ...mixed,
    members: 3,
    keys: 1,
    network: { ...mixed.network, dropChance: 0, lateChance: 0.4, lateMsMax: dice.between(10, 60) },
    disk: { syncMsMin: 0.1, syncMsMax: 1 },
    replicaCrashEveryMs: dice.between(3, 20),
    downMsMax: 1,
    attemptMs: dice.between(60, 150),
    deadlineMs: 1000,
    skewMsMax: dice.pick([0, 50]),
  };
}

/** All replicas go down together, with much that is not durable. */
function drawPowerCuts(dice: Dice, mixed: Shape): Shape {
  return {
    ...mixed,
    disk: { syncMsMin: 1, syncMsMax: dice.between(5, 30) },
    powerCutEveryMs: dice.between(20, 80),
    downMsMax: dice.between(1, 10),
    attemptMs: dice.between(40, 80),
  };
}

/** A history holds 32 operations: in a crowd, one falls out of it while its proposer still tries. */
function drawCrowd(mixed: Shape): Shape {
  return { ...mixed, keys: 1, operationsMax: 150, thinkMs: 1, proposers: 4, sessions: 2 };
}

function drawNetwork(dice: Dice): NetworkOptions {
  return {
    delayMsMin: 0.1,
    delayMsMax: dice.between(0.5, 6),
    lateChance: dice.pick([0, 0.05, 0.2, 0.4]),
    lateMsMax: dice.between(10, 120),
    dropChance: dice.pick([0, 0, 0.03, 0.1, 0.25]),
    repeatChance: dice.pick([0, 0.05, 0.2]),
    lossHeardChance: dice.pick([0, 0.5, 1]),
  };
}

/** A mean time between faults, or none of them at all. */
function often(dice: Dice, chance: number, lowMs: number, highMs: number): number {
  return dice.chance(chance) ? dice.between(lowMs, highMs) : Number.POSITIVE_INFINITY;
}
