import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { MeterFolder } from '../meter-harness.ts';
import { type MeterDocument, newDocument } from '../report/meter-document.ts';
import { compareCommand, judgement } from './compare-command.ts';
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

  test('looks at every result of a side, and takes none of another kind', async () => {
    using folder = new MeterFolder();
    const write = (name: string, more: Partial<MeterDocument>): string => {
      const path = join(folder.path, name);
      const document = { ...newDocument('ops', {}), valid: true, runs: [], seconds: [], ...more };
      writeFileSync(path, JSON.stringify(document));
      return path;
    };
    const good = write('good', {});
    const spoilt = write('spoilt', { valid: false, invalidReasons: ['content-failed'] });
    const other = write('other', { schema: 'holdfast-meter-search' });
    const script = write('script', { schema: 'holdfast-meter-script' });
    const compare = async (...args: string[]) => {
      let said = '';
      const write = (text: string): void => void (said += text);
      const signal = new AbortController().signal;
      const exitCode = await compareCommand(args, { out: { write }, err: { write }, env: {}, signal });
      return { exitCode, said };
    };
    const found = await compare(`${good},${spoilt}`, good);
    assert.equal(found.exitCode, 0);
    assert.match(found.said, /Note: A \(.*spoilt\) is not valid: content-failed/);
    for (const [args, reason] of [
      [[`${good},${other}`, good], /same command/],
      [[good, `${good},${other}`], /same command/],
      [[script, script], /scripts/],
    ] as const) {
      const { exitCode, said } = await compare(...args);
      assert.equal(exitCode, 2);
      assert.match(said, reason);
    }
  });
});
