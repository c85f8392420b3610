import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { type PlacementHash, createPlacement } from '#ring/placement-hash.ts';
import { tellStory } from '../story.ts';
import { clusterBugs } from './cluster-bugs.ts';
import { runClusterSchedule } from './run-cluster-schedule.ts';

const SCHEDULES = 150;
const BUG_SEEDS_MAX = 600;

let placement: PlacementHash;

before(async () => {
  placement = await createPlacement();
});

describe('a cluster', () => {
  test('lists and reads what its records are, while nodes and connections come and go', async (t) => {
    const first = randomInt(1_000_000_000);
    t.diagnostic(`seeds ${first} … ${first + SCHEDULES - 1}`);
    for (let seed = first; seed < first + SCHEDULES; seed += 1) {
      const { violation, history } = await runClusterSchedule(seed, placement);
      assert.equal(violation, undefined, `seed ${seed}\n${tellStory(history).join('\n')}`);
    }
  });

  test('changes its members, and repairs what they missed, in its schedules', async () => {
    let [moves, repairs] = [0, 0];
    for (let seed = 1; seed <= 30; seed += 1) {
      const result = await runClusterSchedule(seed, placement);
      moves += result.moves;
      repairs += result.repairs;
    }
    assert.ok(moves > 10 && repairs > 10, `${moves} moves, ${repairs} repairs`);
  });

  test('goes the same way for the same seed', async () => {
    const results = [await runClusterSchedule(42, placement), await runClusterSchedule(42, placement)];
    assert.ok((results[0]?.operations ?? 0) > 0);
    assert.deepEqual(results[0], results[1]);
  });
});

describe('the simulator of a cluster', () => {
  for (const bug of clusterBugs) {
    test(`finds that ${bug.mistake}`, async () => {
      for (let seed = 1; seed <= BUG_SEEDS_MAX; seed += 1) {
        if ((await runClusterSchedule(seed, placement, bug.parts)).violation !== undefined) return;
      }
      assert.fail(`${bug.name} was not found in ${BUG_SEEDS_MAX} schedules`);
    });
  }
});
