/** The initiator and the target of logical units against a planted one. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { OperationFailure } from '../../load/operation-failure.ts';
import { ContentRange } from '../targets/content-range.ts';
import { openTarget } from '../targets/open-target.ts';
import type { MediaObject, MediaTarget } from '../targets/target.ts';
import { type TargetValues, targetSpecOf } from '../targets/target-spec.ts';
import { CAPACITY, PlantedTarget, READ, SYNCHRONIZE, WRITE } from './planted-target.ts';

function open(planted: PlantedTarget, values: TargetValues = {}): MediaTarget {
  const spec = targetSpecOf({ target: planted.url, overwrite: true, seed: 'a test', ...values }, {});
  return openTarget(spec, new ContentRange(spec.seed));
}

async function counted(planted: PlantedTarget, operation: number, commands: number): Promise<void> {
  while ((planted.counts.get(operation) ?? 0) < commands)
    await new Promise((resolve) => setImmediate(resolve));
}

function object(index: number, sizeBytes: number): MediaObject {
  return { name: `clip-${index}`, key: { family: 7, index }, sizeBytes };
}

test('a logical unit keeps what is written, by immediate data and by pieces that are asked for', async () => {
  await using planted = await PlantedTarget.start();
  const target = open(planted);
  await target.prepare();
  const clip = object(1, 300_001);
  await target.put(clip);
  await target.read(clip, 0, clip.sizeBytes);
  await target.read(clip, 1000, 100_000);
  assert.deepEqual(
    [CAPACITY, WRITE, SYNCHRONIZE, READ].map((operation) => planted.counts.get(operation)),
    [1, 1, 1, 2],
  );
  target.close();
});

for (const [what, operation] of [
  ['read', READ],
  ['write', WRITE],
  ['synchronize', SYNCHRONIZE],
  ['capacity', CAPACITY],
] as const)
  test(`a ${what} that is never answered fails after the timeout, and the session with it`, async () => {
    await using planted = await PlantedTarget.start();
    planted.faults = (command) => (command.operation === operation ? { silent: true } : undefined);
    const target = open(planted, { timeout: '200ms' });
    const clip = object(1, 20_000);
    const use = async (): Promise<void> => {
      await target.prepare();
      await target.put(clip);
      await target.read(clip, 0, clip.sizeBytes);
    };
    await assert.rejects(use(), { kind: 'timeout' });
    target.close();
  });

test('a read that is answered without all of its data is no read of what lay there before', async () => {
  await using planted = await PlantedTarget.start();
  const target = open(planted);
  await target.prepare();
  const clip = object(1, 20_480);
  for (const dataBytes of [0, 512, 20_479]) {
    // What is read next would go to the buffer out of which the same was just written.
    await target.put(clip);
    planted.faults = ({ operation }) => (operation === READ ? { dataBytes } : undefined);
    await assert.rejects(target.read(clip, 0, clip.sizeBytes), {
      kind: 'length-mismatch',
      message: `the target gave ${dataBytes} bytes of 20480`,
    });
  }
  planted.faults = ({ operation }) => (operation === WRITE ? { residualBytes: 512 } : undefined);
  await assert.rejects(target.put(clip), { message: 'the target left out 512 bytes of 20480' });
  target.close();
});

test('the size of a unit is taken from a shorter answer, as long as it is in it', async () => {
  await using planted = await PlantedTarget.start();
  const capacity = (dataBytes: number) => {
    planted.faults = ({ operation }) => (operation === CAPACITY ? { dataBytes } : undefined);
    const target = open(planted);
    return target.prepare().finally(() => target.close());
  };
  await capacity(12);
  await assert.rejects(capacity(11), { kind: 'length-mismatch' });
});

/** Sense data (SPC-4, section 4.5) of a key and an additional code with its qualifier. */
function senseOf(format: string, key: number, code: number, qualifier: number): Buffer {
  const sense = Buffer.alloc(18);
  if (format === 'fixed') {
    sense[0] = 0x70;
    sense[2] = key;
    sense.set([code, qualifier], 12);
  } else sense.set([0x72, key, code, qualifier]);
  return sense;
}

for (const format of ['fixed', 'descriptor']) {
  test(`several unit attentions in a row are taken, with sense data in ${format} format`, async () => {
    await using planted = await PlantedTarget.start();
    const attention = senseOf(format, 6, 0x29, 0);
    planted.faults = ({ operation, count }) =>
      operation === CAPACITY && count < 3 ? { sense: attention } : undefined;
    const target = open(planted);
    await target.prepare();
    assert.equal(planted.counts.get(CAPACITY), 4);
    planted.faults = () => ({ sense: attention });
    await assert.rejects(target.put(object(1, 512)), { kind: 'unit-attention' });
    target.close();
  });

  test(`what a unit refuses is told with key and code, with sense data in ${format} format`, async () => {
    await using planted = await PlantedTarget.start();
    const target = open(planted);
    await target.prepare();
    planted.faults = () => ({ sense: senseOf(format, 7, 0x27, 2) });
    await assert.rejects(target.put(object(1, 512)), {
      kind: 'scsi-2',
      message: 'the logical unit refuses: status 2, sense key 7, code 39/2',
    });
    target.close();
  });
}

test('two meters at one target have sessions of their own', async () => {
  await using planted = await PlantedTarget.start();
  const targets = [open(planted), open(planted)];
  await Promise.all(targets.map((target) => target.prepare()));
  const [first, second] = planted.logins.map(({ sessionId }) => sessionId);
  // Of a drawn id the two highest bits are 10.
  assert.match(first ?? '', /^80/);
  assert.match(second ?? '', /^80/);
  assert.notEqual(first, second);
  for (const target of targets) target.close();
});

for (const pairs of [
  { MaxRecvDataSegmentLength: '0' },
  { MaxRecvDataSegmentLength: 'much' },
  { MaxRecvDataSegmentLength: '16777216' },
  { FirstBurstLength: '-1' },
  { FirstBurstLength: '511' },
])
  test(`a target that wants ${JSON.stringify(pairs)} is refused`, async () => {
    await using planted = await PlantedTarget.start();
    planted.pairs = pairs;
    const target = open(planted);
    await assert.rejects(target.prepare(), { kind: 'iscsi-login', message: /^the target wants \w+=/ });
    target.close();
  });

test('a login that fails leaves no connection', async () => {
  await using planted = await PlantedTarget.start();
  planted.loginStatus = 0x0203;
  const target = open(planted);
  await assert.rejects(target.prepare(), /there is no such target/);
  await assert.rejects(target.prepare(), /there is no such target/);
  const [socket] = planted.sockets;
  if (socket !== undefined) await once(socket, 'close');
  const [another] = planted.sockets;
  if (another !== undefined) await once(another, 'close');
  assert.equal(planted.sockets.size, 0);
  target.close();
});

test('what a recording that was given up still writes harms no other object, and its room is given back', async () => {
  await using planted = await PlantedTarget.start();
  const held = Promise.withResolvers<void>();
  planted.faults = ({ operation, count }) =>
    operation === WRITE && count === 0 ? { after: held.promise } : undefined;
  const target = open(planted);
  await target.prepare();
  const take = object(1, 400_000);
  const recording = await target.record(take);
  const append = recording.append(0, take.sizeBytes);
  await counted(planted, WRITE, 1);
  await recording.abort();
  target.breakOff?.();
  await target.remove(take);
  const clip = object(2, 400_000);
  await target.put(clip);
  held.resolve();
  await append;
  await target.read(clip, 0, clip.sizeBytes);
  await target.remove(clip);
  const large = object(3, 900_000);
  await target.put(large);
  await target.read(large, 0, large.sizeBytes);
  await assert.rejects(recording.append(0, 10), { kind: 'aborted' });
  target.close();
});

test('a run that is broken off sends nothing more, and closing fails what is under way', async () => {
  await using planted = await PlantedTarget.start(4 * 2 ** 20);
  const target = open(planted);
  await target.prepare();
  const clip = object(1, 3 * 2 ** 20);
  await target.put(clip);
  const held = Promise.withResolvers<void>();
  planted.faults = () => ({ after: held.promise });
  const reads = [0, 1].map(() => target.read(clip, 0, clip.sizeBytes));
  const ended = Promise.allSettled(reads);
  await counted(planted, READ, reads.length);
  target.breakOff?.();
  held.resolve();
  assert.deepEqual(
    (await ended).map((one) => one.status === 'rejected' && (one.reason as OperationFailure).kind),
    ['aborted', 'aborted'],
  );
  // One piece of three was under way.
  assert.equal(planted.counts.get(READ), reads.length);
  planted.faults = () => ({ silent: true });
  const last = target.read(clip, 0, 512);
  await counted(planted, READ, reads.length + 1);
  target.close();
  await assert.rejects(last, { kind: 'aborted' });
});
