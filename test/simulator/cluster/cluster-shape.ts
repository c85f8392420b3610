/** The shape of one schedule of a whole cluster. */
import type { Dice } from '../dice.ts';

export interface ClusterShape {
  readonly members: number;
  readonly proxies: number;
  readonly sessions: number;
  readonly shards: number;
  /** Names that operations choose from. */
  readonly names: readonly string[];
  /** Whether every name is written before anything goes wrong. */
  readonly isFilled: boolean;
  readonly operationsMax: number;
  /** Listings among the operations. */
  readonly listingShare: number;
  readonly thinkMs: number;
  readonly delayMsMax: number;
  readonly lateChance: number;
  readonly lateMsMax: number;
  readonly syncMsMax: number;
  readonly skewMsMax: number;
  /** Mean times between faults, Infinity for none. */
  readonly crashEveryMs: number;
  readonly severEveryMs: number;
  readonly partitionEveryMs: number;
  readonly downMsMax: number;
  readonly partitionMsMax: number;
  readonly calmAtMs: number;
  /** Devices that are no members at first. */
  readonly spares: number;
  /** Mean time between two changes of a member, Infinity for none. */
  readonly moveEveryMs: number;
  /** How far behind the published ring a machine may be. */
  readonly ringDelayMsMax: number;
}

const FEW_NAMES = ['a', 'b/1', 'b/2', 'c/d/1', 'c/d/2', 'c/e'];
/** More than the rows of a page, so that pages end in the middle. */
const MANY_NAMES = Array.from(
  { length: 40 },
  (_, index) => `${'xyz'[index % 3]}/${'pq'[index % 2]}/${index}`,
);

export function drawClusterShape(dice: Dice): ClusterShape {
  const mixed = drawMixed(dice);
  const kind = dice.below(100);
  if (kind < 40) return mixed;
  if (kind < 70) return drawNarrow(dice, mixed);
  return kind < 92 ? drawMoving(dice, mixed) : drawWide(mixed);
}

function drawMixed(dice: Dice): ClusterShape {
  return {
    members: dice.pick([3, 3, 3, 3, 5, 4, 1]),
    proxies: 2 + dice.below(2),
    sessions: 1 + dice.below(3),
    shards: 1 + dice.below(2),
    names: FEW_NAMES.slice(dice.below(FEW_NAMES.length)),
    isFilled: dice.chance(0.3),
    operationsMax: 30 + dice.below(30),
    listingShare: dice.pick([0.2, 0.4, 0.6]),
    thinkMs: dice.between(1, 20),
    delayMsMax: dice.between(0.3, 4),
    lateChance: dice.pick([0, 0.05, 0.2]),
    lateMsMax: dice.between(10, 150),
    syncMsMax: dice.pick([1, 10, 40]),
    skewMsMax: dice.pick([0, 50, 5000]),
    crashEveryMs: often(dice, 0.8, 20, 200),
    severEveryMs: often(dice, 0.5, 20, 200),
    partitionEveryMs: often(dice, 0.3, 50, 300),
    downMsMax: dice.between(2, 200),
    partitionMsMax: dice.between(10, 200),
    calmAtMs: dice.between(200, 700),
    spares: 1 + dice.below(2),
    moveEveryMs: often(dice, 0.5, 5, 80),
    ringDelayMsMax: dice.pick([1, 20, 100]),
  };
}

/** Names that come and go under one prefix, listed again and again while messages are late. */
function drawNarrow(dice: Dice, mixed: ClusterShape): ClusterShape {
  return {
    ...mixed,
    members: 3,
    names: dice.pick([['c/1'], ['c/1', 'c/2']]),
    listingShare: 0.7,
    proxies: 3,
    sessions: 2,
    operationsMax: 100,
    thinkMs: dice.between(0.5, 4),
    delayMsMax: 0.3,
    lateChance: dice.between(0.05, 0.2),
    lateMsMax: dice.between(20, 150),
    syncMsMax: 0.3,
    crashEveryMs: dice.between(40, 150),
    downMsMax: dice.between(5, 50),
    isFilled: false,
  };
}

/** Members that change all the time, while machines are behind and messages late. */
function drawMoving(dice: Dice, mixed: ClusterShape): ClusterShape {
  return {
    ...mixed,
    members: 3,
    spares: 2,
    names: ['c/1'],
    listingShare: 0.15,
    proxies: 3,
    sessions: 2,
    operationsMax: 120,
    thinkMs: dice.between(0.5, 5),
    delayMsMax: dice.between(0.3, 3),
    lateChance: dice.between(0.1, 0.35),
    lateMsMax: dice.between(20, 200),
    syncMsMax: dice.pick([0.3, 5]),
    skewMsMax: dice.pick([0, 50, 2000]),
    crashEveryMs: often(dice, 0.5, 40, 150),
    partitionEveryMs: often(dice, 0.5, 30, 150),
    moveEveryMs: dice.between(1, 5),
    ringDelayMsMax: dice.pick([5, 30, 120]),
    calmAtMs: dice.between(300, 900),
    isFilled: false,
  };
}

/** More names than a page has rows. */
function drawWide(mixed: ClusterShape): ClusterShape {
  return { ...mixed, names: MANY_NAMES, isFilled: true, operationsMax: 120 };
}

function often(dice: Dice, chance: number, lowMs: number, highMs: number): number {
  return dice.chance(chance) ? dice.between(lowMs, highMs) : Number.POSITIVE_INFINITY;
}
