import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { OperationFailure } from '../../load/operation-failure.ts';
import { PlantedStore } from '../../load/planted-store.ts';
import { ContentRange } from './content-range.ts';
import { openTarget } from './open-target.ts';
import type { MediaObject, MediaTarget } from './target.ts';
import { type TargetValues, targetSpecOf } from './target-spec.ts';

const PLANTED = { AWS_ACCESS_KEY_ID: 'planted', AWS_SECRET_ACCESS_KEY: 'secret' };

function open(values: TargetValues): MediaTarget {
  const spec = targetSpecOf({ seed: 'a test', ...values }, PLANTED);
  return openTarget(spec, new ContentRange(spec.seed));
}

function object(name: string, index: number, sizeBytes: number): MediaObject {
  return { name, key: { family: 7, index }, sizeBytes };
}

/** What every target that can be written does. */
async function keepsMedia(target: MediaTarget): Promise<void> {
  await target.prepare();
  const whole = object('clip-1', 1, 1_234_567);
  await target.put(whole);
  assert.equal(await target.stat(whole), whole.sizeBytes);
  await target.read(whole, 0, whole.sizeBytes);
  await target.read(whole, 65_000, 140_001);
  await target.read(whole, whole.sizeBytes - 1, 1);
  const recorded = object('clips/clip-2', 2, 700_001);
  const recording = await target.record(recorded);
  for (let at = 0; at < recorded.sizeBytes; at += 100_000)
    await recording.append(at, Math.min(100_000, recorded.sizeBytes - at));
  await recording.finish();
  assert.equal(await target.stat(recorded), recorded.sizeBytes);
  await target.read(recorded, 99_999, 300_002);
  // Another object's content at the same place: what the meter must never take for right.
  await assert.rejects(target.read({ ...whole, key: { family: 7, index: 99 } }, 0, 5000), /differs/);
  await assert.rejects(target.read(object('none', 3, 10), 0, 10), OperationFailure);
  assert.equal(await target.list('clips/', 10), 1);
  await target.remove(whole);
  await target.remove(recorded);
  assert.equal(await target.stat(whole), undefined);
  await target.removePlace();
  target.close();
}

describe('a target', () => {
  for (const direct of ['auto', 'off'])
    test(`of files keeps media, with O_DIRECT ${direct}, and leaves nothing`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'holdfast-meter-'));
      try {
        await keepsMedia(open({ target: folder, direct, 'io-size': '100k' }));
        assert.deepEqual(readdirSync(folder), []);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

  test('of S3 keeps media, and leaves nothing', async () => {
    await using store = await PlantedStore.start();
    await keepsMedia(open({ target: 's3://', endpoint: store.endpoint }));
    assert.equal(store.buckets.size, 0);
  });

  test('of S3 that bears the name of somebody’s bucket is refused, or leaves what is not its own', async () => {
    await using store = await PlantedStore.start();
    const treasure = new Map([['treasure', Buffer.from('gold')]]);
    store.buckets.set('somebodys', treasure);
    store.buckets.set('empty', new Map());
    const named = (name: string, reuse = false): MediaTarget =>
      open({ target: 's3://', endpoint: store.endpoint, name, reuse });
    await assert.rejects(
      named('somebodys').prepare(),
      /somebodys is there and not empty: give another --name/,
    );
    for (const target of [named('somebodys', true), named('empty')]) {
      await target.prepare();
      const clip = object('clip-1', 1, 1000);
      await target.put(clip);
      await target.remove(clip);
      await target.removePlace();
      target.close();
    }
    assert.deepEqual([...store.buckets.keys()], ['somebodys', 'empty']);
    assert.deepEqual([...treasure.keys()], ['treasure']);
    await keepsMedia(named('fresh'));
    assert.ok(!store.buckets.has('fresh'));
  });

  test('of the web is read: what an earlier run wrote is compared, any other file is counted', async () => {
    await using store = await PlantedStore.start();
    store.plain = true;
    const clip = object('clip-1', 1, 300_000);
    const bytes = Buffer.alloc(clip.sizeBytes);
    new ContentRange('earlier').fill(bytes, 0, clip.key, 0, bytes.length);
    store.buckets.set('media', new Map([['earlier/clip-1', bytes]]));
    const known = open({ target: `${store.endpoint}/media/`, name: 'earlier', seed: 'earlier' });
    await known.prepare();
    await known.read(clip, 65_530, 100_000);
    const unlike = open({ target: `${store.endpoint}/media/`, name: 'earlier', seed: 'other' });
    await assert.rejects(unlike.read(clip, 0, 1000), /differs/);
    const any = open({ target: `${store.endpoint}/media/earlier/clip-1` });
    await any.prepare();
    assert.equal(any.traits.verified, false);
    assert.equal(await any.stat(clip), clip.sizeBytes);
    await any.read(clip, 5, 7);
    // All frames of a clip in one request, from a file that does not end with a frame.
    await any.read({ ...clip, sizeBytes: 299_000 }, 0, 299_000);
    await assert.rejects(any.put(clip), /only read/);
    for (const target of [known, unlike, any]) target.close();
  });

  test('tells a flipped byte and a short file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-meter-'));
    try {
      const target = open({ target: folder, name: 'flipped', direct: 'off' });
      await target.prepare();
      const clip = object('clip-1', 1, 200_000);
      await target.put(clip);
      const path = join(folder, 'flipped', 'clip-1');
      const bytes = readFileSync(path);
      bytes[150_000]! ^= 1;
      writeFileSync(path, bytes.subarray(0, 180_000));
      await target.read(clip, 0, 100_000);
      await assert.rejects(target.read(clip, 140_000, 20_000), /differs within the block at byte 140000/);
      await assert.rejects(target.read(clip, 170_000, 20_000), /ends at byte 180000/);
      target.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('tells a file cut short at any byte, past the page cache too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-meter-'));
    try {
      const target = open({ target: folder, name: 'cut', direct: 'auto' });
      await target.prepare();
      const clip = object('clip-1', 1, 20_000);
      await target.put(clip);
      for (const [length, position, wanted] of [
        [12_288, 0, 14_000],
        [10_000, 9000, 3000],
        [10_000, 0, 12_000],
        [10_000, 10_500, 100],
        [1, 0, 2],
        [0, 0, 1],
      ] as const) {
        truncateSync(join(folder, 'cut', 'clip-1'), length);
        await assert.rejects(target.read(clip, position, wanted), {
          kind: 'length-mismatch',
          message: new RegExp(`ends at byte ${length < position ? '\\d+' : length}$`),
        });
      }
      target.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('that is not there, or refuses us, is told in one line', async () => {
    await assert.rejects(open({ target: '/nowhere/at/all' }).prepare(), /no such folder/);
    await assert.rejects(open({ target: 's3://', endpoint: 'http://127.0.0.1:9' }).prepare(), /ECONNREFUSED/);
    await using store = await PlantedStore.start();
    store.accessKeyId = 'somebody else';
    await assert.rejects(open({ target: 's3://', endpoint: store.endpoint }).prepare(), /InvalidAccessKeyId/);
    assert.throws(() => targetSpecOf({ target: 'tape:0' }, {}), /no such kind of target/);
    assert.throws(() => targetSpecOf({}, {}), /--target/);
    assert.throws(() => targetSpecOf({ target: 's3://b', endpoint: 'http://h' }, {}), /no credentials/);
    assert.throws(() => targetSpecOf({ target: 'swift://b' }, {}), /ST_AUTH/);
    assert.throws(() => targetSpecOf({ target: 'http://h/folder/' }, {}), /--name/);
  });
});
