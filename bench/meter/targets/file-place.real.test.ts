/** What a run does to a folder that somebody else has files in. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { meter, MeterFolder } from '../meter-harness.ts';

const SMALL = '--processes 0 --duration 200ms --warmup 0ms';
const CLIPS = `${SMALL} --codec custom --frame-bytes 20000 --clip-length 1s --stagger 0ms --drop-after 60s`;

function withPrecious(): { readonly folder: MeterFolder; readonly precious: string } {
  const folder = new MeterFolder();
  mkdirSync(join(folder.path, 'edit'));
  const precious = join(folder.path, 'edit', 'precious');
  writeFileSync(precious, 'years of work');
  return { folder, precious };
}

describe('a folder that --name names, and that holds something', () => {
  for (const [what, args] of [
    ['streams', `streams ${CLIPS}`],
    ['a search', `search ${CLIPS} --streams-max 1 --step-duration 500ms`],
    ['operations', `ops ${SMALL} --size 1k --objects 3`],
  ] as const)
    test(`is refused by ${what}, and stays as it is`, async () => {
      const { folder, precious } = withPrecious();
      using _folder = folder;
      const { exitCode, err } = await meter(`${args} --target ${folder.path} --name edit`);
      assert.notEqual(exitCode, 0);
      assert.match(err, /edit is there and not empty: give another --name/);
      assert.deepEqual(readdirSync(join(folder.path, 'edit')), ['precious']);
      assert.equal(readFileSync(precious, 'utf8'), 'years of work');
    });

  test('keeps all that is not the run’s own when it is taken up again, also when that run is interrupted', async () => {
    const { folder, precious } = withPrecious();
    using _folder = folder;
    mkdirSync(join(folder.path, 'edit', 'stills'));
    writeFileSync(join(folder.path, 'edit', 'stills', 'one'), '1');
    writeFileSync(join(folder.path, 'edit', '.direct'), 'a name of theirs');
    const base = `${CLIPS} --target ${folder.path} --name edit --reuse`;
    const streams = await meter(`streams ${base} --streams 2 --pattern play,record`);
    assert.equal(streams.exitCode, 0, streams.err);
    const running = new AbortController();
    const interrupted = meter(`streams ${base} --duration 10m`, { signal: running.signal });
    const clip = join(folder.path, 'edit', 'clip-000001');
    let ended = false;
    void interrupted.finally(() => (ended = true));
    while (!existsSync(clip) && !ended) await new Promise((resolve) => setImmediate(resolve));
    running.abort();
    assert.equal((await interrupted).exitCode, 1);
    assert.deepEqual(readdirSync(join(folder.path, 'edit')).toSorted(), ['.direct', 'precious', 'stills']);
    assert.deepEqual(readdirSync(join(folder.path, 'edit', 'stills')), ['one']);
    assert.equal(readFileSync(precious, 'utf8'), 'years of work');
  });
});

describe('a folder that a run makes', () => {
  for (const [what, args] of [
    ['files', `streams ${CLIPS} --pattern play,record --streams 2`],
    ['sequences', `streams ${CLIPS} --pattern play,record --streams 2 --layout sequence --processes 2`],
    ['operations', `ops ${SMALL} --size 1k --objects 5`],
  ] as const)
    test(`of ${what} is gone behind it`, async () => {
      using folder = new MeterFolder();
      const { exitCode, err } = await meter(`${args} --target ${folder.path} --name dailies`);
      assert.equal(exitCode, 0, err);
      assert.deepEqual(readdirSync(folder.path), []);
    });

  test('and that was kept is gone behind the run that takes it up again', async () => {
    using folder = new MeterFolder();
    const args = `streams ${CLIPS} --target ${folder.path} --name dailies`;
    assert.equal((await meter(`${args} --keep`)).exitCode, 0);
    const { exitCode, err } = await meter(`${args} --reuse`);
    assert.equal(exitCode, 0, err);
    assert.deepEqual(readdirSync(folder.path), []);
  });
});
