import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RandomSequence } from '../../load/random-sequence.ts';
import { formatOf } from '../codecs/codec.ts';
import { Clip } from './clip.ts';
import { type Pattern, slotsOf } from './pattern.ts';
import { timingOf } from './timing.ts';
import { unitsOf } from './unit.ts';

const FORMAT = formatOf({ codec: 'custom', frameBytes: 1000, framesPerS: 25 });

describe('a pattern', () => {
  const first = (pattern: Pattern, count: number, clipFrames = [100]) => {
    const settings = { pattern, clipFrames, shuttleSpeed: 8, framesPerS: 25, startFrame: 0 };
    const slots = slotsOf(settings, new RandomSequence(1));
    return Array.from({ length: count }, () => slots.next().value);
  };
  const frames = (pattern: Pattern, count: number) => first(pattern, count).map(([one]) => one?.frame);

  test('goes forward, backward, and in steps', () => {
    assert.deepEqual(frames('play', 3), [0, 1, 2]);
    assert.deepEqual(frames('reverse', 3), [0, 99, 98]);
    assert.deepEqual(frames('shuttle', 14).at(-1), 4);
    assert.ok(new Set(frames('scrub', 50)).size > 20);
    assert.ok(
      frames('jog', 200).every(
        (frame, at, all) => at === 0 || [1, 99].includes(((frame ?? 0) - (all[at - 1] ?? 0) + 100) % 100),
      ),
    );
  });

  test('shows all cameras at once, and cuts from clip to clip', () => {
    assert.deepEqual(
      first('multicam', 2, [10, 10, 10])[1],
      [0, 1, 2].map((clip) => ({ clip, frame: 1 })),
    );
    const cuts = first('edits', 500, [100, 100, 100]).map(([one]) => one?.clip);
    assert.equal(new Set(cuts).size, 3);
  });

  test('is asked for in pieces that lie together', () => {
    const clip = new Clip('clip', 1, 100, FORMAT);
    const units = (pattern: Pattern, total: number) => {
      const settings = { pattern, clipFrames: [100], shuttleSpeed: 8, framesPerS: 25, startFrame: 0 };
      return [...unitsOf(slotsOf(settings, new RandomSequence(1)), [clip], total, 10)];
    };
    assert.deepEqual(
      units('play', 105).map(({ slots }) => slots),
      [10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 5],
    );
    const [, backward] = units('reverse', 15);
    assert.deepEqual(
      backward?.reads.map(({ position, lengthBytes }) => [position, lengthBytes]),
      [[90_000, 10_000]],
    );
    assert.equal(units('shuttle', 20).length, 20);
  });

  test('of a hand on a wheel is not read ahead', () => {
    const settings = {
      framesPerS: 25,
      preBufferFrames: 25,
      readAheadFrames: 50,
      allowanceMs: 5,
      reactionMs: 200,
    };
    const unit = { firstSlot: 100, slots: 1, reads: [] };
    assert.deepEqual(timingOf(settings, 'scrub', unit), { askedAtMs: 4000, dueAtMs: 4205, intervalMs: 40 });
    assert.deepEqual(timingOf(settings, 'play', unit), { askedAtMs: 3000, dueAtMs: 5005, intervalMs: 40 });
  });
});

describe('a clip', () => {
  test('of unlike frames knows where each lies', () => {
    const format = formatOf({ codec: 'custom', frameSizesBytes: [10, 30, 20] });
    const clip = new Clip('clip', 3, 7, format);
    assert.equal(clip.sizeBytes, 130);
    assert.deepEqual([clip.range(4, 6).position, clip.range(4, 6).lengthBytes], [70, 50]);
  });

  test('of a sequence is an object a frame, each of its own content', () => {
    const clip = new Clip('clip', 3, 5, formatOf({ codec: 'dpx-hd' }));
    const objects = clip.objects();
    assert.equal(objects.length, 5);
    assert.equal(objects[0]?.sizeBytes, 8_296_448);
    assert.equal(new Set(objects.map(({ key }) => key.index)).size, 5);
    assert.equal(clip.range(2, 3).object.name, objects[2]?.name);
  });
});
