import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OperationFailure } from '../../load/operation-failure.ts';
import { meter } from '../meter-harness.ts';
import type { StreamsDocument } from '../streams/streams-document.ts';
import { ContentRange } from './content-range.ts';
import { openTarget } from './open-target.ts';
import { PlantedSwift } from './planted-swift.ts';
import type { MediaObject, MediaTarget, Recording } from './target.ts';
import { targetSpecOf } from './target-spec.ts';

const TAKE: MediaObject = { name: 'take-1', key: { family: 7, index: 1 }, sizeBytes: 700_000 };
const SEGMENT_BYTES = 100_000;
const TIMING = '--duration 1s --warmup 0ms --stagger 0ms --request-frames 5 --processes 0';
const RECORDING = `streams --target swift:// --pattern record ${TIMING} --codec custom --frame-bytes 300000`;

async function opened(swift: PlantedSwift): Promise<MediaTarget> {
  const spec = targetSpecOf({ target: 'swift://', seed: 'a test' }, swift.env);
  const target = openTarget(spec, new ContentRange(spec.seed));
  await target.prepare();
  return target;
}

async function recorded(target: MediaTarget): Promise<Recording> {
  const recording = await target.record(TAKE);
  for (let at = 0; at < TAKE.sizeBytes; at += SEGMENT_BYTES) await recording.append(at, SEGMENT_BYTES);
  return recording;
}

/** Again and again, until the token that is refused has been replaced: that is asked for once a second at most. */
async function untilTaken(work: () => Promise<void>): Promise<void> {
  for (;;)
    try {
      await work();
      return;
    } catch (error) {
      if (!(error instanceof OperationFailure && error.kind === 'http-401')) throw error;
      await new Promise((resolve) => setImmediate(resolve));
    }
}

describe('a target of Swift', () => {
  test('keeps a recording, and removes its segments with it', async () => {
    await using swift = await PlantedSwift.start();
    const target = await opened(swift);
    await (await recorded(target)).finish();
    assert.equal(await target.stat(TAKE), TAKE.sizeBytes);
    await target.read(TAKE, 0, TAKE.sizeBytes);
    await target.read(TAKE, 99_999, 200_002);
    await target.remove(TAKE);
    assert.equal(swift.objects.size, 0);
    target.close();
  });

  test('removes the segments of a recording that was given up', async () => {
    await using swift = await PlantedSwift.start();
    const target = await opened(swift);
    const other = { ...TAKE, name: 'take-11' };
    await target.put(other);
    await (await recorded(target)).abort();
    assert.equal(swift.objects.size, 8);
    await assert.rejects(target.remove(TAKE), { kind: 'http-404' });
    assert.deepEqual(
      [...swift.objects.keys()].map((name) => name.split('/').at(-1)),
      ['take-11'],
    );
    target.close();
  });

  test('leaves no segment behind a run whose recording failed', async () => {
    await using swift = await PlantedSwift.start();
    swift.faults = ({ method, name }) =>
      method === 'PUT' && name.endsWith('/000002') ? { status: 503 } : undefined;
    const { document } = await meter<StreamsDocument>(RECORDING, { env: swift.env });
    assert.deepEqual(Object.keys(document().runs[0]?.failuresByKind ?? {}), ['http-503']);
    assert.equal(document().stopped, null);
    assert.equal(swift.objects.size, 0);
  });

  test('leaves no segment that is written behind its removal', async () => {
    await using swift = await PlantedSwift.start();
    const stop = new AbortController();
    const late = Promise.withResolvers<void>();
    let lateName = '';
    let attempts = 0;
    swift.faults = ({ method, name }) => {
      // The third segment has come when the run is told to end, and is written when its removal is over.
      if (method === 'PUT' && name.endsWith('/000002')) {
        lateName = name;
        stop.abort();
        return { before: late.promise };
      }
      if (method !== 'DELETE' || name !== '') return undefined;
      attempts++;
      late.resolve();
      return { before: late.promise };
    };
    const { err, document } = await meter<StreamsDocument>(RECORDING, {
      env: swift.env,
      signal: stop.signal,
    });
    assert.equal(err.trim(), 'holdfast meter streams: interrupted');
    assert.equal(document().stopped, 'interrupted');
    assert.match(lateName, /take-\d+\.segments/);
    assert.deepEqual([...swift.objects.keys()], []);
    assert.equal(attempts, 2);
  });

  test('tells of a container that holds what is not its own, and leaves that', async () => {
    await using swift = await PlantedSwift.start();
    let attempts = 0;
    swift.faults = ({ method, name }) => {
      if (method === 'PUT' && name !== '')
        swift.objects.set('treasure', { bytes: Buffer.from('gold'), segments: undefined });
      if (method === 'DELETE' && name === '') attempts++;
      return undefined;
    };
    const { err, document } = await meter<StreamsDocument>(RECORDING, { env: swift.env });
    assert.match(err, /^holdfast meter streams: left behind: holdfast-meter-\S+ is not empty: http-409\n$/);
    assert.equal(document().complete, true);
    assert.deepEqual([...swift.objects.keys()], ['treasure']);
    assert.equal(attempts, 6);
  });

  test('removes nothing of an object of which it was not told what it is', async () => {
    await using swift = await PlantedSwift.start();
    const target = await opened(swift);
    await (await recorded(target)).finish();
    swift.faults = ({ method }) => (method === 'HEAD' ? { status: 503 } : undefined);
    await assert.rejects(target.remove(TAKE), { kind: 'http-503' });
    assert.equal(swift.objects.size, 8);
    swift.faults = () => undefined;
    await target.remove(TAKE);
    assert.equal(swift.objects.size, 0);
    target.close();
  });

  test('refuses a container that --name names and that holds something', async () => {
    await using swift = await PlantedSwift.start();
    swift.objects.set('treasure', { bytes: Buffer.from('gold'), segments: undefined });
    const named = (reuse: boolean): MediaTarget => {
      const spec = targetSpecOf({ target: 'swift://', name: 'somebodys', reuse }, swift.env);
      return openTarget(spec, new ContentRange(spec.seed));
    };
    await assert.rejects(named(false).prepare(), /somebodys is there and not empty: give another --name/);
    const target = named(true);
    await target.prepare();
    await target.removePlace();
    assert.ok(swift.objects.has('treasure'));
    target.close();
  });

  test('goes on to write and to remove with a new token when the old one is refused', async () => {
    await using swift = await PlantedSwift.start();
    const target = await opened(swift);
    swift.token = 'token 1';
    await untilTaken(() => target.put(TAKE));
    swift.token = 'token 2';
    await untilTaken(async () => void (await target.list('', 10)));
    swift.token = 'token 3';
    await untilTaken(() => target.remove(TAKE));
    assert.equal(swift.objects.size, 0);
    target.close();
  });
});
