import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { bytesPerS, findCodec, formatOf, parseFramesPerS } from './codec.ts';
import { readFrameSizes } from './frame-sizes.ts';
import { CODECS } from './table.ts';

describe('the codecs', () => {
  test('have one name each, a size and a source', () => {
    assert.equal(new Set(CODECS.map(({ name }) => name)).size, CODECS.length);
    for (const codec of CODECS) {
      assert.notEqual(codec.frameBytes === undefined, codec.bitsPerS === undefined, codec.name);
      assert.ok(codec.source.length > 10, codec.name);
    }
  });

  test('make the rates that give them their names', () => {
    const megabits = (codec: string) => (bytesPerS(formatOf({ codec })) * 8) / 1e6;
    const near = (codec: string, expected: number) =>
      assert.ok(Math.abs(megabits(codec) / expected - 1) < 0.02, `${codec}: ${megabits(codec)}`);
    near('xdcam-hd50', 50);
    near('dnxhd-120', 120);
    near('dnxhd-145', 145);
    near('dnxhd-220', 220);
    // Apple's own figures for 25 fps, which the table does not use.
    near('prores-hq', 184);
    near('prores-422-uhd', 492);
    near('uncompressed-hd10', 1106);
  });

  test('keep the bit rate or the frame, as the format does, when the frame rate changes', () => {
    assert.deepEqual(formatOf({ codec: 'xdcam-hd50', framesPerS: 50 }).frameSizesBytes, [125_000]);
    assert.deepEqual(formatOf({ codec: 'dnxhd-120', framesPerS: 50 }).frameSizesBytes, [606_208]);
    assert.equal(parseFramesPerS('29.97'), 30_000 / 1001);
    assert.equal(parseFramesPerS('23.976'), 24_000 / 1001);
    assert.equal(parseFramesPerS('50'), 50);
  });

  test('carry audio of 48 kHz and 24 bits in every frame', () => {
    const [silent = 0] = formatOf({ codec: 'xdcam-hd50' }).frameSizesBytes;
    assert.deepEqual(formatOf({ codec: 'xdcam-hd50', audioTracks: 8 }).frameSizesBytes, [silent + 8 * 5760]);
  });

  test('that nobody knows are refused in one line', () => {
    assert.throws(() => findCodec('betamax'), /no codec is called betamax/);
    assert.throws(() => formatOf({ codec: 'custom' }), /--frame-bytes/);
    assert.throws(() => formatOf({ codec: 'dv25', frameBytes: 1 }), /custom/);
    assert.throws(() => parseFramesPerS('0'), /--fps/);
  });

  test('may be given by real frames', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-meter-'));
    try {
      const path = join(folder, 'sizes.txt');
      writeFileSync(path, '1000\n3000\n2000\n');
      const format = formatOf({ codec: 'custom', frameSizesBytes: await readFrameSizes(path) });
      assert.equal(bytesPerS(format), 2000 * 25);
      writeFileSync(path, '1000\n-3\n');
      await assert.rejects(readFrameSizes(path), /cannot tell the frames|does not give/);
      await assert.rejects(readFrameSizes(join(folder, 'none')), /cannot read/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
