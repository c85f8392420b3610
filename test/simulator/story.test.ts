import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plantedBugs } from './bugs.ts';
import { isLinearizable } from './linearizability.ts';
import type { Operation } from './operation.ts';
import { operationsByKey, runSchedule } from './run-schedule.ts';
import { minimalHistory, tellStory } from './story.ts';

function firstWrongHistory(): Operation[] {
  const bug = plantedBugs.find((planted) => planted.name === 'one-reply-reads');
  assert.ok(bug);
  for (let seed = 1; seed < 1000; seed += 1) {
    const { violation, operations } = runSchedule(seed, bug.cores);
    if (violation !== undefined) return operationsByKey(operations).get(violation.key) ?? [];
  }
  throw new Error('the bug was not found');
}

test('a minimal history still contradicts itself, and nothing that changed nothing can be left out of it', () => {
  const whole = firstWrongHistory();
  const minimal = minimalHistory(whole);
  assert.ok(!isLinearizable(minimal));
  assert.ok(minimal.length <= whole.length);
  for (const operation of minimal) {
    if (operation.outcome?.applied !== false) continue;
    assert.ok(isLinearizable(minimal.filter((other) => other !== operation)));
  }
  assert.ok(tellStory(minimal).length >= minimal.length);
});
