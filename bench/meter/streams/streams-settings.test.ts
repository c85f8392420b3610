import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatOf } from '../codecs/codec.ts';
import { requestFramesOf, type StreamsSettings, streamsSettingsOf } from './streams-settings.ts';

async function settingsOf(frameSizesBytes: readonly number[]): Promise<StreamsSettings> {
  const format = formatOf({ codec: 'custom', framesPerS: 25, frameSizesBytes });
  return { ...(await streamsSettingsOf({})), format };
}

test('frames of a film of hours make requests like any others', async () => {
  const settings = await settingsOf(Array.from({ length: 200_000 }, (_, frame) => 100_000 + (frame % 7)));
  assert.equal(requestFramesOf(settings, 'play', 1), 10);
  assert.equal(requestFramesOf(settings, 'record', 1), 10);
});

test('a part holds what a target takes at least, and a small frame among large ones does not make it larger', async () => {
  const least = 5 * 2 ** 20;
  for (const sizes of [
    [100_000],
    [30, 1_000_000, 1_000_000, 1_000_000],
    [least * 3, 1, 1],
    [1, 2, 3],
    Array.from({ length: 1000 }, (_, frame) => (frame % 12 === 0 ? 400_000 : 30 + ((frame * 7919) % 90_000))),
  ]) {
    const frames = requestFramesOf(await settingsOf(sizes), 'record', least);
    const bytesFrom = (start: number, count: number): number => {
      let bytes = 0;
      for (let at = start; at < start + count; at++) bytes += sizes[at % sizes.length] ?? 0;
      return bytes;
    };
    const smallest = (count: number): number =>
      sizes.reduce((fewest, _, start) => Math.min(fewest, bytesFrom(start, count)), Infinity);
    assert.ok(smallest(frames) >= least, `${frames} frames may be ${smallest(frames)} bytes`);
    assert.ok(smallest(frames - 1) < least, `${frames - 1} frames would do`);
  }
});
