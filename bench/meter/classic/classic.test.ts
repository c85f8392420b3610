import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { RandomSequence } from '../../load/random-sequence.ts';
import { accessModes, type AccessSettings, BLOCK_SIZES, drawAccess } from './access.ts';
import { classicCommand } from './classic-command.ts';
import type { ClassicDocument } from './classic-document.ts';
import { ClassicTally } from './classic-tally.ts';

const SETTINGS: AccessSettings = {
  files: 10,
  fileBytes: 5_000_000,
  lengthBytesMax: 2 ** 20,
  writeShare: 10,
  randomShare: 50,
  delayMsMax: 0,
  blockSizes: BLOCK_SIZES.slice(0, 7),
  alignmentBytes: 1,
};

describe('the accesses of the Media Storage Meter', () => {
  test('write and jump as often as they are told to, and stay within their files', () => {
    const random = new RandomSequence(5);
    const all = Array.from({ length: 4000 }, () => drawAccess(SETTINGS, random));
    const share = (...modes: string[]) => all.filter(({ mode }) => modes.includes(mode)).length / all.length;
    assert.ok(Math.abs(share('seq_wr', 'rand_wr') - 0.1) < 0.03);
    assert.ok(Math.abs(share('rand_rd', 'rand_wr') - 0.5) < 0.04);
    for (const { positions, blockBytes, lengthBytes } of all) {
      assert.ok(positions.length >= 1 && positions.length * blockBytes <= lengthBytes);
      assert.ok(positions.every((position) => position >= 0 && position + blockBytes <= SETTINGS.fileBytes));
    }
  });

  test('that are sequential are, and follow from the seed', () => {
    const draw = () => drawAccess({ ...SETTINGS, randomShare: 0 }, new RandomSequence(3));
    const { positions, blockBytes } = draw();
    assert.ok(
      positions.every((position, at) => at === 0 || position - (positions[at - 1] ?? 0) === blockBytes),
    );
    assert.deepEqual(draw(), draw());
  });
});

describe('the tables', () => {
  test('add up: rates are bytes by the time of the blocks, latency is the rest', () => {
    const tally = new ClassicTally(40);
    tally.io('seq_rd', 1024, 0, 1);
    tally.io('seq_rd', 1024, 1, 3);
    tally.access('seq_rd', 1024, { endedMs: 10, latencyMs: 6, closeMs: 0 });
    tally.io('seq_wr', 2048, 50, 2);
    tally.access('seq_wr', 2048, { endedMs: 60, latencyMs: 2, closeMs: 2 });
    const cells = tally.cells([1024, 2048]);
    assert.equal(cells.length, (accessModes.length + 1) * 3);
    const cell = (mode: string | null, blockBytes: number | null) => {
      const found = cells.find((one) => one.mode === mode && one.blockBytes === blockBytes);
      assert.ok(found !== undefined);
      return found;
    };
    assert.equal(cell('seq_rd', 1024).megabytesPerS, 0.512);
    assert.equal(cell('seq_wr', 2048).megabytesPerS, 0.512);
    assert.equal(cell(null, null).latencyMsAverage, 4);
    assert.equal(cell(null, null).latencyMsMax, 6);
    assert.equal(cell(null, null).accesses, 2);
    assert.equal(cell('rand_rd', 1024).accesses, 0);
    assert.deepEqual(
      tally.windows.map(({ bytes }) => bytes),
      [2048, 2048],
    );
  });
});

async function classic(folder: string, ...args: string[]) {
  let out = '';
  let err = '';
  const json = join(folder, 'result.json');
  const exitCode = await classicCommand(['--target', folder, '--json', json, ...args], {
    out: { write: (text) => (out += text) },
    err: { write: (text) => (err += text) },
    env: {},
    signal: new AbortController().signal,
  });
  return { exitCode, out, err, document: () => JSON.parse(readFileSync(json, 'utf8')) as ClassicDocument };
}

describe('holdfast meter classic', () => {
  test('makes its files, measures, tells every access, and leaves nothing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-meter-'));
    try {
      const options = [
        '--files',
        '3',
        '--create',
        '200k',
        '--write',
        '40',
        '--duration',
        '300ms',
        '--length',
        '64k',
      ];
      const html = join(folder, 'result.html');
      const { exitCode, out, document } = await classic(
        folder,
        ...options,
        '--verbose',
        '--remove',
        '--html',
        html,
      );
      assert.equal(exitCode, 0);
      assert.match(out, /average transfer rates, Mbytes\/s\nmode +1 K +2 K/);
      const { accesses, cells, complete } = document();
      assert.ok(complete && accesses > 0);
      assert.equal(out.match(/^test00[0-2],[0-3],\d+,\d+,[\d.]+,[\d.]+$/gm)?.length, accesses);
      assert.equal(
        cells.find(({ mode, blockBytes }) => mode === null && blockBytes === null)?.accesses,
        accesses,
      );
      assert.deepEqual(readdirSync(folder).toSorted(), ['result.html', 'result.json']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('finds what a file should not hold, and keeps what it measured', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-meter-'));
    try {
      for (const name of ['test000', 'test001']) writeFileSync(join(folder, name), Buffer.alloc(100_000));
      const { exitCode, err, document } = await classic(folder, '--write', '0', '--duration', '5s');
      assert.equal(exitCode, 1);
      assert.match(err, /differs within the block at byte/);
      assert.equal(document().valid, false);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('says in one line what it cannot do', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-meter-'));
    try {
      for (const [args, line] of [
        [[], /no files test000/],
        [['--blocks', '3k'], /--blocks/],
        [['--target', 's3://b', '--write', '1'], /classic measures folders|no endpoint/],
        [['--target', '/nowhere/at/all'], /cannot use \/nowhere/],
        [['--create', '1'], /--create/],
      ] as const) {
        const { exitCode, err } = await classic(folder, ...args);
        assert.equal(exitCode, 2, err);
        assert.match(err, line);
        assert.equal(err.trim().split('\n').length, 1);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
