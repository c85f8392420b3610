import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isLinearizable } from './linearizability.ts';
import type { Action, Operation, Value } from './operation.ts';

type Answer = { readonly found: Value; readonly applied: boolean; readonly isBlind?: boolean };

interface Step {
  /** Invocation and answer, as places in one order; no answer stands for an operation whose end nobody knows. */
  readonly from: number;
  readonly to?: number;
  readonly action: Action;
  readonly answer?: Answer;
  readonly withoutEffect?: boolean;
}

function history(...steps: Step[]): Operation[] {
  return steps.map((step, number) => ({
    number,
    client: 'a client',
    key: 'k',
    action: step.action,
    invokedAt: step.from,
    invokedMs: step.from,
    answeredAt: step.to,
    answeredMs: step.to,
    outcome: step.answer,
    failure: undefined,
    withoutEffect: step.withoutEffect ?? false,
  }));
}

const put = (value: string): Action => ({ type: 'put', value });
const putIfAbsent = (value: string): Action => ({ type: 'putIfAbsent', value });
const read: Action = { type: 'read' };
const remove: Action = { type: 'remove' };
const found = (value: Value): Answer => ({ found: value, applied: false });
const changed = (value: Value): Answer => ({ found: value, applied: true });
const done: Answer = { found: undefined, applied: true, isBlind: true };
const conditionFailed: Answer = { found: undefined, applied: false, isBlind: true };

describe('a history that one variable could have', () => {
  test('is empty, or of reads that find nothing', () => {
    assert.ok(isLinearizable([]));
    assert.ok(isLinearizable(history({ from: 1, to: 2, action: read, answer: found(undefined) })));
  });

  test('has its operations one after the other', () => {
    const operations = history(
      { from: 1, to: 2, action: put('a'), answer: changed(undefined) },
      { from: 3, to: 4, action: read, answer: found('a') },
      { from: 5, to: 6, action: putIfAbsent('b'), answer: found('a') },
      { from: 7, to: 8, action: { type: 'putIfEqual', value: 'c', expected: 'a' }, answer: changed('a') },
      { from: 9, to: 10, action: remove, answer: changed('c') },
      { from: 11, to: 12, action: putIfAbsent('d'), answer: changed(undefined) },
      { from: 13, to: 14, action: { type: 'keep' }, answer: found('d') },
    );
    assert.ok(isLinearizable(operations));
  });

  test('may order operations that overlap in any way', () => {
    const operations = history(
      { from: 1, to: 10, action: put('a'), answer: changed('b') },
      { from: 2, to: 9, action: put('b'), answer: changed(undefined) },
      { from: 3, to: 4, action: read, answer: found(undefined) },
      { from: 5, to: 6, action: read, answer: found('b') },
      { from: 11, to: 12, action: read, answer: found('a') },
    );
    assert.ok(isLinearizable(operations));
  });

  test('may let an operation without an answer take effect late, or never', () => {
    const late = history(
      { from: 1, action: put('a') },
      { from: 2, to: 3, action: put('b'), answer: changed(undefined) },
      { from: 4, to: 5, action: read, answer: found('b') },
      { from: 6, to: 7, action: read, answer: found('a') },
    );
    assert.ok(isLinearizable(late));
    assert.ok(isLinearizable(late.slice(0, 3)));
    assert.ok(isLinearizable(history({ from: 1, action: read }, { from: 2, action: remove })));
  });

  test('may be long and full of operations without an answer', () => {
    const steps: Step[] = [];
    for (let index = 0; index < 20; index += 1) steps.push({ from: index, action: put(`lost ${index}`) });
    let before: Value;
    for (let index = 0; index < 40; index += 1) {
      const from = 100 + 2 * index;
      steps.push({ from, to: from + 1, action: put(`v${index}`), answer: changed(before) });
      before = `v${index}`;
    }
    assert.ok(isLinearizable(history(...steps)));
  });
});

describe('a history that no variable could have', () => {
  test('shows a value that was overwritten before the read began', () => {
    const operations = history(
      { from: 1, to: 2, action: put('a'), answer: changed(undefined) },
      { from: 3, to: 4, action: put('b'), answer: changed('a') },
      { from: 5, to: 6, action: read, answer: found('a') },
    );
    assert.ok(!isLinearizable(operations));
  });

  test('shows a value that nobody wrote, or whose write is known to have had no effect', () => {
    const refused = { from: 1, to: 2, action: put('a'), withoutEffect: true };
    const seen = { from: 3, to: 4, action: read, answer: found('a') };
    assert.ok(!isLinearizable(history(seen)));
    assert.ok(!isLinearizable(history(refused, seen)));
  });

  test('shows the new value, then the old one', () => {
    const operations = history(
      { from: 1, to: 2, action: put('a'), answer: changed(undefined) },
      { from: 3, to: 20, action: put('b'), answer: changed('a') },
      { from: 4, to: 5, action: read, answer: found('b') },
      { from: 6, to: 7, action: read, answer: found('a') },
    );
    assert.ok(!isLinearizable(operations));
  });

  test('lets one write take effect twice', () => {
    const operations = history(
      { from: 1, to: 20, action: put('a'), answer: changed(undefined) },
      { from: 2, to: 3, action: read, answer: found('a') },
      { from: 4, to: 5, action: put('b'), answer: changed('a') },
      { from: 6, to: 7, action: read, answer: found('a') },
    );
    assert.ok(!isLinearizable(operations));
  });

  test('lets two conditional writes find the same record', () => {
    const operations = history(
      { from: 1, to: 4, action: putIfAbsent('a'), answer: changed(undefined) },
      { from: 2, to: 3, action: putIfAbsent('b'), answer: changed(undefined) },
    );
    assert.ok(!isLinearizable(operations));
  });

  test('refuses a condition that held, or lets one pass that did not', () => {
    const write = { from: 1, to: 2, action: put('a'), answer: changed(undefined) };
    const onA: Action = { type: 'putIfEqual', value: 'b', expected: 'a' };
    assert.ok(!isLinearizable(history(write, { from: 3, to: 4, action: onA, answer: found('a') })));
    assert.ok(
      !isLinearizable(history(write, { from: 3, to: 4, action: putIfAbsent('b'), answer: changed('a') })),
    );
  });

  test('shows the effect of an operation before it was invoked', () => {
    const operations = history(
      { from: 1, to: 2, action: read, answer: found('a') },
      { from: 3, action: put('a') },
    );
    assert.ok(!isLinearizable(operations));
  });

  test('loses an answered write although other operations have no answer', () => {
    const operations = history(
      { from: 1, action: put('a') },
      { from: 2, to: 3, action: put('b'), answer: changed(undefined) },
      { from: 4, to: 5, action: read, answer: found(undefined) },
    );
    assert.ok(!isLinearizable(operations));
  });
});

describe('operations that do not tell what they found', () => {
  test('fit wherever their condition does', () => {
    const operations = history(
      { from: 1, to: 2, action: put('a'), answer: done },
      { from: 3, to: 4, action: putIfAbsent('b'), answer: conditionFailed },
      { from: 5, to: 6, action: remove, answer: done },
      { from: 7, to: 8, action: read, answer: found(undefined) },
    );
    assert.ok(isLinearizable(operations));
  });

  test('fit nowhere else', () => {
    const lost = history(
      { from: 1, to: 2, action: put('a'), answer: done },
      { from: 3, to: 4, action: put('b'), answer: done },
      { from: 5, to: 6, action: read, answer: found('a') },
    );
    assert.ok(!isLinearizable(lost));
    const absent = history(
      { from: 1, to: 2, action: remove, answer: done },
      { from: 3, to: 4, action: putIfAbsent('b'), answer: conditionFailed },
    );
    assert.ok(!isLinearizable(absent));
  });

  test('may have met a write that nobody knows the end of', () => {
    const operations = history(
      { from: 1, action: put('a') },
      { from: 2, to: 3, action: putIfAbsent('b'), answer: conditionFailed },
      { from: 4, to: 5, action: read, answer: found('a') },
    );
    assert.ok(isLinearizable(operations));
    assert.ok(isLinearizable(operations.slice(0, 2)));
    assert.ok(!isLinearizable(operations.slice(1, 2)));
  });
});
