import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { judgement } from './compare-command.ts';
import { differenceOf } from './interval.ts';

describe('a comparison', () => {
  test('of repeats gives the interval that the textbook does', () => {
    // Two samples of five: means 20 and 23, variances 2.5 and 2.5; eight degrees of freedom.
    const { interval } = differenceOf([18, 19, 20, 21, 22], [21, 22, 23, 24, 25]);
    assert.ok(interval !== null);
    assert.ok(Math.abs(interval[0] - 0.694) < 0.01, String(interval[0]));
    assert.ok(Math.abs(interval[1] - 5.306) < 0.01, String(interval[1]));
  });

  test('tells what is better, what is worse and what is noise', () => {
    const more = { better: 'more' as const };
    assert.equal(judgement(more, differenceOf([10, 11, 10], [20, 21, 20])), 'BETTER');
    assert.equal(judgement({ better: 'less' }, differenceOf([10, 11, 10], [20, 21, 20])), 'WORSE');
    assert.equal(judgement(more, differenceOf([10, 20, 15], [12, 22, 16])), 'within the noise');
    assert.equal(judgement(more, differenceOf([10, 10], [10, 10])), 'within the noise');
    assert.equal(judgement(more, differenceOf([10], [20, 21])), 'one run only: noise not known');
  });
});
