import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordKey, recordKinds } from '#common/codec/record-key.ts';
import { blobId, deviceId, spaceId } from '#common/ids.ts';
import { Hints } from './hints.ts';

const DEVICE = deviceId(3);
const keyOf = (name: string) => recordKey(spaceId('00'.repeat(16)), recordKinds.object, 0, name);
const at = (clock: number) => ({ clock, writer: 1 });

test('a key is noted once, with the highest ballot that was missed', () => {
  const hints = new Hints(() => undefined);
  hints.record(DEVICE, { key: keyOf('a'), ballot: at(5), isDamaged: false });
  hints.record(DEVICE, { key: keyOf('a'), ballot: at(4), isDamaged: false });
  hints.record(DEVICE, { key: keyOf('a'), ballot: at(6), isDamaged: false });
  const [hint, ...others] = hints.oldest(DEVICE, 10);
  assert.deepEqual(others, []);
  assert.ok(hint?.type === 'record');
  assert.deepEqual(hint.ballot, at(6));
});

test('what comes while a hint is dealt with is not forgotten with it', () => {
  const hints = new Hints(() => undefined);
  hints.record(DEVICE, { key: keyOf('a'), ballot: at(5), isDamaged: false });
  const [hint] = hints.oldest(DEVICE, 1);
  hints.record(DEVICE, { key: keyOf('a'), ballot: at(9), isDamaged: false });
  assert.ok(hint);
  hints.remove(DEVICE, hint);
  assert.equal(hints.count, 1);
});

test('a full list takes no more, says so, and tells of a device once', () => {
  const told: number[] = [];
  const hints = new Hints((device) => void told.push(device), 2);
  for (const digit of ['1', '2', '3']) hints.blob(DEVICE, blobId(digit.repeat(32)));
  assert.equal(hints.count, 2);
  assert.equal(hints.dropped, 1);
  assert.deepEqual(told, [DEVICE]);
  for (const hint of hints.oldest(DEVICE, 10)) hints.remove(DEVICE, hint);
  hints.blob(DEVICE, blobId('4'.repeat(32)));
  assert.deepEqual(told, [DEVICE, DEVICE]);
});

test('what cannot be read stays so, whatever else is missed of it', () => {
  const hints = new Hints(() => undefined);
  hints.record(DEVICE, { key: keyOf('a'), ballot: at(5), isDamaged: true });
  hints.record(DEVICE, { key: keyOf('a'), ballot: at(5), isDamaged: false });
  hints.record(DEVICE, { key: keyOf('a'), ballot: at(7), isDamaged: false });
  const [hint] = hints.oldest(DEVICE, 1);
  assert.ok(hint?.type === 'record' && hint.isDamaged);
  assert.deepEqual(hint.ballot, at(7));
});
