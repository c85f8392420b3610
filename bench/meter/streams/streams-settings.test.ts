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
