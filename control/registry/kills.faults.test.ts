/**
 * Reconcilers that are killed at each of their calls, and any number of them in random trouble: each resource ends where its
 * last accepted request says. HOLDFAST_SEED runs one seed, HOLDFAST_SEEDS that many.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HoldfastError } from '#common/errors.ts';
import { ManualClock } from '#common/io/manual-clock.ts';
import type { Randomness } from '#common/io/randomness.ts';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import { createLogger } from '#common/log/logger.ts';
import { memoryStore } from '../store/memory-store.ts';
import type { Store } from '../store/store.ts';
import { Reconciler } from './reconciler.ts';
import { Registry } from './registry.ts';
import type { Resource } from './resource.ts';
import { GIB_MAX, KillableStore, Outside, volumeKind, type WantedVolume } from './world.fixture.ts';

const SEEDS = Number(process.env['HOLDFAST_SEEDS'] ?? 15);
const ONLY_SEED = process.env['HOLDFAST_SEED'];
const VOLUMES = ['a', 'b', 'c'];
const ROUNDS = 120;
const ROUNDS_TO_SETTLE = 2000;

/** Errors of a reconciler's own are mistakes: they fail the test. */
const log = createLogger({
  level: 'error',
  form: 'pretty',
  nowMs: () => 0,
  sink: {
    write: (line) => {
      throw new Error(line);
    },
  },
});

/** What the last accepted request of a volume says: its size, or that it is gone. */
type Wanted = number | 'gone';

class World {
  readonly clock = new ManualClock();
  readonly outside = new Outside();
  readonly store: Store;
  readonly registry: Registry;
  readonly wanted = new Map<string, Wanted>();
  readonly #reconcilers: { store: KillableStore; reconciler: Reconciler }[] = [];

  constructor(randomness: Randomness) {
    this.store = memoryStore({ clock: this.clock, randomness });
    this.registry = new Registry({ store: this.store, clock: this.clock, randomness }, [
      volumeKind(this.outside),
    ]);
  }

  begin(killAt?: KillableStore['killAt']): KillableStore {
    const store = new KillableStore(this.store);
    if (killAt) store.killAt = killAt;
    const reconciler = new Reconciler({
      store,
      clock: this.clock,
      log,
      kinds: [volumeKind(this.outside, store)],
      leaseSeconds: 3,
      pauseMs: 20,
      pauseMsMax: 200,
      graceMs: 1000,
    });
    this.#reconcilers.push({ store, reconciler });
    return store;
  }

  kill(at: number): void {
    this.#reconcilers.splice(at, 1)[0]?.store.kill();
  }

  get reconcilers(): number {
    return this.#reconcilers.length;
  }

  /** Some turns of the event loop, and a little time. */
  async pass(): Promise<void> {
    for (let turn = 0; turn < 6; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    this.clock.advance(25);
  }

  async request(id: string, operation: string, gib?: number): Promise<void> {
    const desired = gib === undefined ? {} : { desired: { gib } };
    try {
      await this.registry.request('volume', id, operation, desired);
      this.wanted.set(id, gib ?? 'gone');
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
    }
  }

  async undo(id: string): Promise<void> {
    try {
      const { desired, operation } = await this.registry.undo('volume', id);
      this.wanted.set(id, operation?.previous === null ? 'gone' : (desired as WantedVolume).gib);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
    }
  }

  async settle(): Promise<void> {
    for (let round = 0; round < ROUNDS_TO_SETTLE; round += 1) {
      await this.pass();
      const resources = await Promise.all(VOLUMES.map((id) => this.registry.get('volume', id)));
      if (resources.every((resource) => resource?.operation?.state !== 'running')) return;
    }
    assert.fail('an operation is stuck');
  }

  async check(): Promise<void> {
    for (const id of VOLUMES) this.#checkVolume(id, await this.registry.get('volume', id));
    // Claims of the dead go with their leases.
    for (let round = 0; round < 200; round += 1) await this.pass();
    assert.equal((await this.store.range({ from: 'claim/', to: 'claim0' })).entries.length, 0);
    assert.equal(this.outside.overlaps, 0, 'two living reconcilers were at one resource');
  }

  #checkVolume(id: string, resource: Resource | undefined): void {
    const { space, exported } = this.outside;
    const wanted = this.wanted.get(id) ?? 'gone';
    if (resource === undefined) {
      assert.deepEqual([wanted, space.get(id), exported.get(id)], ['gone', undefined, undefined], id);
    } else if (resource.operation === null) {
      assert.deepEqual(
        [space.get(id), exported.get(id), (resource.desired as WantedVolume).gib],
        Array(3).fill(wanted),
        id,
      );
      assert.equal(resource.observedGeneration, resource.generation);
      assert.deepEqual(resource.observed, { gib: wanted });
    } else {
      assert.equal(resource.operation.failure?.code, 'no-space');
      assert.ok(typeof wanted === 'number' && wanted > GIB_MAX);
    }
  }

  async close(): Promise<void> {
    let closing = 0;
    for (const { store, reconciler } of this.#reconcilers) {
      if (store.killed) continue;
      closing += 1;
      // One that is killed as it ends does not tell that it has.
      const killed = new Promise<void>((resolve) => {
        store.onKill = resolve;
      });
      void Promise.race([reconciler.close(), killed]).finally(() => {
        closing -= 1;
      });
    }
    for (let round = 0; closing > 0; round += 1) {
      assert.ok(round < ROUNDS_TO_SETTLE, 'a reconciler does not end');
      await this.pass();
    }
    await this.store.close();
  }
}

/** A volume made, resized and removed, another one made and left; the first reconciler is killed at one of its calls. */
async function killedAt(call: number, moment: 'before' | 'after'): Promise<boolean> {
  const world = new World(seededRandomness(call));
  const first = world.begin((number, when) => number === call && when === moment);
  world.begin();
  for (const [id, operation, gib] of [
    ['a', 'create', 1],
    ['b', 'create', 2],
    ['a', 'resize', 3],
    ['a', 'delete'],
    ['b', 'resize', 4],
  ] as const) {
    await world.request(id, operation, gib);
    await world.settle();
  }
  assert.deepEqual(
    [...world.wanted],
    [
      ['a', 'gone'],
      ['b', 4],
    ],
  );
  await world.check();
  await world.close();
  return first.killed;
}

test('a reconciler is killed at each of its calls to the store, before and after it is heard', async () => {
  let killed = 0;
  for (const moment of ['before', 'after'] as const) {
    for (let call = 1; ; call += 1) {
      if (!(await killedAt(call, moment))) break;
      killed += 1;
    }
  }
  assert.ok(killed > 40, `${killed} kills`);
});

test('a reconciler is killed in each step, before and after its work is done', async () => {
  for (const at of ['allocate', 'export', 'withdraw', 'free']) {
    for (const when of ['before', 'after'] as const) {
      const world = new World(seededRandomness(1));
      const first = world.begin();
      world.outside.trouble = async (step, moment, process) => {
        if (step === at && moment === when && process === first) first.kill();
      };
      await world.request('a', 'create', 5);
      for (let round = 0; round < 10; round += 1) await world.pass();
      world.begin();
      await world.settle();
      await world.request('a', 'delete');
      await world.settle();
      await world.check();
      assert.ok(first.killed);
      await world.close();
    }
  }
});

/** Requests, kills, new reconcilers, lines that break and failing steps, at random; then peace. */
async function runSeed(seed: number): Promise<void> {
  const random = seededRandomness(seed);
  const world = new World(random);
  const begin = (): void => {
    world.begin().fault = () => (['before', 'after'] as const)[random.below(50)];
  };
  for (let count = 1 + random.below(4); count > 0; count -= 1) begin();
  world.outside.trouble = async () => {
    const lot = random.below(20);
    if (lot === 0) throw new Error('this once');
    if (lot < 6) await new Promise<void>((resolve) => world.clock.after(random.below(300), resolve));
  };
  const pick = (): string => VOLUMES[random.below(VOLUMES.length)] as string;
  for (let round = 0; round < ROUNDS; round += 1) {
    const lot = random.below(40);
    if (lot < 6) await world.request(pick(), 'create', 1 + random.below(GIB_MAX + 10));
    else if (lot < 9) await world.request(pick(), 'resize', 1 + random.below(GIB_MAX + 10));
    else if (lot < 12) await world.request(pick(), 'delete');
    else if (lot === 12) await world.undo(pick());
    else if (lot === 13 && world.reconcilers > 0) world.kill(random.below(world.reconcilers));
    else if (lot === 14 && world.reconcilers < 5) begin();
    await world.pass();
  }
  if (world.reconcilers === 0) begin();
  world.outside.trouble = () => Promise.resolve();
  await world.settle();
  await world.check();
  await world.close();
}

const seeds =
  ONLY_SEED === undefined ? Array.from({ length: SEEDS }, (_, at) => at + 1) : [Number(ONLY_SEED)];

test('any number of reconcilers, killed at random: each resource ends where its last accepted request says', async () => {
  for (const seed of seeds) {
    try {
      await runSeed(seed);
    } catch (error) {
      throw new Error(`HOLDFAST_SEED=${seed}`, { cause: error });
    }
  }
});
