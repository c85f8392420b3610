import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe, test } from 'node:test';
import { plantedBugs } from './bugs.ts';
import { operationsByKey, runSchedule } from './run-schedule.ts';
import { simulate } from './simulate.ts';
import { minimalHistory, tellStory } from './story.ts';

const SCHEDULES = 3000;
const BUG_SEEDS_MAX = 1500;

function checkSchedules(first: number, count: number): void {
  for (let seed = first; seed < first + count; seed += 1) {
    const { violation, operations } = runSchedule(seed);
    if (violation === undefined) continue;
    const story = tellStory(minimalHistory(operationsByKey(operations).get(violation.key) ?? []));
    assert.fail(`seed ${seed}, key ${violation.key}: ${violation.type}\n${story.join('\n')}`);
  }
}

describe('the registers', () => {
  test('are linearizable, and live in the calm, under the schedules of every run', () => {
    checkSchedules(1, SCHEDULES / 2);
  });

  test('are linearizable, and live in the calm, under schedules that were never run before', (t) => {
    const first = randomInt(1_000_000_000);
    t.diagnostic(`seeds ${first} … ${first + SCHEDULES / 2 - 1}`);
    checkSchedules(first, SCHEDULES / 2);
  });
});

describe('the simulator', () => {
  for (const bug of plantedBugs) {
    test(`finds that ${bug.mistake}`, () => {
      for (let seed = 1; seed <= BUG_SEEDS_MAX; seed += 1) {
        if (runSchedule(seed, bug.cores).violation?.type === 'not linearizable') return;
      }
      assert.fail(`${bug.name} was not found in ${BUG_SEEDS_MAX} schedules`);
    });
  }

  test('runs a seed in the same way each time', () => {
    for (const seed of [7, 2 ** 31, 2 ** 40 + 1]) {
      const lines: [string[], string[]] = [[], []];
      for (const trace of lines) runSchedule(seed, undefined, (line) => trace.push(line()));
      assert.ok(lines[0].length > 0);
      assert.deepEqual(lines[0], lines[1]);
    }
  });

  test('meets members, crashes, losses and open ends in its schedules', () => {
    const total = new Map<string, number>();
    for (let seed = 1; seed <= 100; seed += 1) {
      for (const [name, count] of Object.entries(runSchedule(seed).statistics)) {
        total.set(name, (total.get(name) ?? 0) + count);
      }
    }
    for (const [name, count] of total) assert.ok(count > 0, name);
  });
});

describe('the command', () => {
  async function run(...args: string[]): Promise<{ readonly code: number; readonly text: string }> {
    let text = '';
    const code = await simulate(args, { write: (more) => (text += more) });
    return { code, text };
  }

  test('tells what it ran, and succeeds when nothing was found', async () => {
    const { code, text } = await run('--seed', '5', '--seeds', '3');
    assert.equal(code, 0);
    assert.match(text, /^seeds 5 … 7\n3 schedules\n {2}operations +\d+\n/);
  });

  test('fails with the story of the first violation', async () => {
    const { code, text } = await run('--seed', '1', '--seeds', '500', '--bug', 'one-reply-writes');
    assert.equal(code, 1);
    assert.match(text, /seed \d+, key k\d: not linearizable\n +[\d.]+ ms {2}proposer \d #\d+ begins/);
  });

  test('traces every step of a schedule', async () => {
    assert.match((await run('--seed', '5', '--trace')).text, /proposer \d #0 .* (prepares|asks member)/);
  });

  test('runs whole clusters, with or without a bug', async () => {
    const { code, text } = await run('--cluster', '--seed', '5', '--seeds', '2');
    assert.equal(code, 0);
    assert.match(text, /^seeds 5 … 6\n2 schedules of a cluster\n {2}operations +\d+\n/);
    assert.equal(
      (await run('--cluster', '--seed', '1', '--seeds', '200', '--bug', 'one-replica-lists')).code,
      1,
    );
  });

  test('refuses what it does not understand', async () => {
    for (const args of [
      ['--seed', 'x'],
      ['--seeds', '-1'],
      ['--bug', 'none'],
      ['--fast'],
      ['--cluster', '--trace'],
    ]) {
      assert.equal((await run(...args)).code, 2, args.join(' '));
    }
  });
});
