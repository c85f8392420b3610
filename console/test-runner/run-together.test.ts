/** Test files that share a process: what one does to the process is a failure of that one, and of no other. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runTogether } from './run-together.ts';
import { Tally } from './tally.ts';

/** In the order in which one process takes them. */
const FILES = {
  'hooks.mjs': `
    import assert from 'node:assert/strict';
    import { beforeEach, describe, test } from 'node:test';
    let calls = 0;
    beforeEach(() => { calls += 1; });
    test('has its own hooks', () => { globalThis.process.hooked = () => calls; assert.equal(calls, 1); });
    describe('a suite', () => { test('within it', () => assert.equal(calls, 2)); });`,
  'after-hooks.mjs': `
    import assert from 'node:assert/strict';
    import { test } from 'node:test';
    test('is free of those of others', () => assert.equal(process.hooked(), 2));`,
  'failing.mjs': `
    import { test } from 'node:test';
    test('is wrong', () => { throw new Error('one is not two'); });
    test('is right', () => {});`,
  'broken.mjs': `import './nothing-of-that-name.mjs';`,
  'untidy.mjs': `
    import { test } from 'node:test';
    test('changes the environment', () => { process.env.LEFT_BEHIND = 'yes'; });`,
  'rejecting.mjs': `
    import { test } from 'node:test';
    test('drops a promise', async () => {
      void Promise.reject(new Error('nobody looks'));
      await new Promise((resolve) => setImmediate(resolve));
    });`,
  'leaving.mjs': `
    import { test } from 'node:test';
    test('takes the process with it', () => { console.error('last words'); process.exit(0); });`,
  'behind.mjs': `
    import { test } from 'node:test';
    test('runs in a new process', () => {});`,
};

describe('files that share a process', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-test-runner-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const run = async (sources: Readonly<Record<string, string>>) => {
    for (const [name, source] of Object.entries(sources)) writeFileSync(join(folder, name), source);
    const files = Object.keys(sources).map((name) => join(folder, name));
    const tally = new Tally();
    let out = '';
    const sink = { write: (text: string) => (out += text) };
    const io = { out: sink, err: sink, env: {}, signal: new AbortController().signal };
    await runTogether({ root: folder, group: 'unit', files, concurrency: 1 }, tally, io);
    return { tally, out };
  };

  test('fail for themselves, and are told apart', async () => {
    const { tally, out } = await run(FILES);
    assert.deepEqual(
      tally.failures.map(({ file, name }) => [file, name]),
      [
        ['failing.mjs', 'is wrong'],
        ['broken.mjs', 'the file itself'],
        ['untidy.mjs', 'the file itself'],
        ['rejecting.mjs', 'drops a promise'],
        ['leaving.mjs', 'the process of the tests'],
      ],
    );
    const texts = tally.failures.map(({ text }) => text);
    assert.match(texts[0] ?? '', /one is not two/);
    assert.match(texts[1] ?? '', /nothing-of-that-name/);
    assert.match(texts[2] ?? '', /environment: LEFT_BEHIND/);
    assert.match(texts[3] ?? '', /nobody looks/);
    assert.match(texts[4] ?? '', /exit code 0[^]*last words/);
    assert.equal(tally.passed, 6);
    assert.match(out, /^unit: 6 passed, 5 failed, 8 files, [\d.]+ s\n$/m);
  });

  test('fail together where an error comes after its test', async () => {
    const late = `
      import { test } from 'node:test';
      test('ends too early', () => { setTimeout(() => { throw new Error('too late'); }, 500); });
      test('lasts', () => new Promise((resolve) => setTimeout(resolve, 2000)));`;
    const { tally } = await run({ 'late.mjs': late });
    assert.equal(tally.passed, 2);
    assert.deepEqual(
      tally.failures.map(({ file }) => file),
      ['unit'],
    );
    assert.match(tally.failures[0]?.text ?? '', /"ends too early"[^]*too late/);
  });
});
