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
  assert.equal(requestFramesOf(settings, 'play', { appendBytesMin: 1 }, 1000), 10);
  assert.equal(requestFramesOf(settings, 'record', { appendBytesMin: 1 }, 1000), 10);
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
    const frames = requestFramesOf(await settingsOf(sizes), 'record', { appendBytesMin: least }, 1000);
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

test('a take of any length comes in as many appends as its target takes', async () => {
  const settings = await settingsOf([250_000]);
  for (const takeFrames of [1, 4, 999, 1000, 4000, 4001, 123_456]) {
    const limits = { appendBytesMin: 2 ** 20, appendsMax: 1000 };
    const frames = requestFramesOf(settings, 'record', limits, takeFrames);
    assert.ok(Math.ceil(takeFrames / frames) <= 1000, `${takeFrames} by ${frames}`);
    assert.ok(frames * 250_000 >= 2 ** 20);
  }
  assert.equal(requestFramesOf(settings, 'record', { appendBytesMin: 2 ** 20, appendsMax: 1000 }, 4000), 5);
  assert.equal(requestFramesOf(settings, 'play', { appendBytesMin: 2 ** 20, appendsMax: 1000 }, 123_456), 4);
});
