/** Rooms of several proxies under schedules that a seed decides: every step waits for its turn. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Cluster } from '#cluster/cluster.ts';
import { memoryCluster } from '#cluster/memory-cluster.ts';
import { spaceId } from '#common/ids.ts';
import { ManualClock } from '#common/io/manual-clock.ts';
import type { Randomness } from '#common/io/randomness.ts';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import { NOTHING } from './amounts.ts';
import { QuotaExceeded } from './quota-error.ts';
import { reservationKey } from './reservation-record.ts';
import { SharedRoom } from './shared-room.ts';

const SCHEDULES = 100;
const PROXIES = 3;
const STEP_MS = 20;

function counter(): () => number {
  let last = 0;
  return () => (last += 1);
}

class Schedule {
  readonly #randomness: Randomness;
  readonly #clock: ManualClock;
  readonly #waiting: (() => void)[] = [];
  #left = 0;

  constructor(randomness: Randomness, clock: ManualClock) {
    this.#randomness = randomness;
    this.#clock = clock;
  }

  /** Resolves when its turn has come. */
  readonly step = (): Promise<void> => new Promise((resolve) => void this.#waiting.push(resolve));

  add(work: Promise<void>): void {
    this.#left += 1;
    void work.finally(() => {
      this.#left -= 1;
    });
  }

  /** Until all that was added is over. */
  async run(): Promise<void> {
    while (this.#left > 0) {
      await turn();
      const [next] = this.#waiting.splice(this.#randomness.below(Math.max(1, this.#waiting.length)), 1);
      if (next === undefined) this.#clock.advance(STEP_MS);
      else next();
    }
  }
}

interface World {
  readonly schedule: Schedule;
  readonly randomness: Randomness;
  readonly limit: number;
  /** By which the clock of whoever writes is ahead. */
  aheadMs: number;
  landed: number;
  done: number;
}

function openRoom(
  world: World,
  cluster: Cluster,
  clock: ManualClock,
  { holder, aheadMs }: { readonly holder: string; readonly aheadMs: number },
): SharedRoom {
  const { step } = world.schedule;
  const slow: Cluster = {
    ...cluster,
    records: {
      read: (key) => cluster.records.read(key),
      async mutate(key, decide) {
        await step();
        world.aheadMs = aheadMs;
        const mutating = cluster.records.mutate(key, decide);
        world.aheadMs = 0;
        const result = await mutating;
        await step();
        return result;
      },
    },
  };
  const count = async () => {
    const counted = { ...NOTHING, objects: world.landed };
    for (let waits = world.randomness.below(16); waits > 0; waits -= 1) await step();
    return counted;
  };
  return new SharedRoom({
    cluster: slow,
    clock,
    holder,
    nextTurn: counter(),
    key: reservationKey(spaceId('a'.repeat(32))),
    count,
  });
}

async function write(world: World, room: SharedRoom): Promise<void> {
  const { step } = world.schedule;
  for (let waits = world.randomness.below(12); waits > 0; waits -= 1) await step();
  const objects = 1 + world.randomness.below(3);
  try {
    const hold = await room.take({ ...NOTHING, objects }, { objects: world.limit });
    for (let waits = world.randomness.below(6); waits > 0; waits -= 1) await step();
    hold.assertHeld();
    world.landed += objects;
    world.done += 1;
    assert.ok(world.landed <= world.limit, `${world.landed} of ${world.limit}`);
    for (let waits = world.randomness.below(4); waits > 0; waits -= 1) await step();
    hold.settle(true);
  } catch (error) {
    if (!(error instanceof QuotaExceeded)) throw error;
  }
}

test('no schedule of three proxies’ writes passes a limit, and a limit that is far refuses nobody', async (t) => {
  const seed = randomInt(2 ** 31);
  t.diagnostic(`seed ${seed}`);
  for (let at = 0; at < SCHEDULES; at += 1) {
    const randomness = seededRandomness(seed + at);
    const clock = new ManualClock();
    const isFar = at % 10 === 0;
    const limit = isFar ? 1000 : 4 + randomness.below(12);
    const schedule = new Schedule(randomness, clock);
    const world: World = { schedule, randomness, limit, aheadMs: 0, landed: 0, done: 0 };
    const cluster = memoryCluster({ nowMs: () => clock.nowMs() + world.aheadMs });
    const rooms = Array.from({ length: PROXIES }, (_, n) =>
      openRoom(world, cluster, clock, { holder: `${n}`, aheadMs: n * 60_000 }),
    );
    const writes = rooms.flatMap((room) => Array.from({ length: 5 }, () => write(world, room)));
    for (const each of writes) world.schedule.add(each.catch(() => {}));
    await world.schedule.run();
    await Promise.all(writes);
    assert.ok(world.done > 0, 'some writes went through');
    if (isFar) assert.equal(world.done, writes.length);
  }
});

test('what a proxy that is gone has reserved is heeded for half a minute, and not for ever', async () => {
  const clock = new ManualClock();
  const cluster = memoryCluster({ nowMs: () => clock.nowMs() });
  const room = (holder: string): SharedRoom =>
    new SharedRoom({
      cluster,
      clock,
      holder,
      nextTurn: counter(),
      key: reservationKey(spaceId('a'.repeat(32))),
      count: () => Promise.resolve(NOTHING),
    });
  const limits = { objects: 4 };
  const take = async (from: SharedRoom): Promise<'room' | 'none'> => {
    const taking = from.take({ ...NOTHING, objects: 3 }, limits).then(
      () => 'room' as const,
      () => 'none' as const,
    );
    let answer: 'room' | 'none' | undefined;
    void taking.then((given) => (answer = given));
    while (answer === undefined) {
      await turn();
      clock.advance(STEP_MS);
    }
    return answer;
  };
  assert.equal(await take(room('gone')), 'room');
  const other = room('other');
  assert.equal(await take(other), 'none');
  clock.advance(29_000);
  assert.equal(await take(other), 'room');
  clock.advance(2 * 3_600_000);
  assert.equal(await take(room('much later')), 'room');
});
