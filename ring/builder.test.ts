import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hasCode } from '#common/errors.ts';
import type { DeviceId } from '#common/ids.ts';
import { balancedBuilder, deviceAt } from './arbitrary-devices.ts';
import { RingBuilder } from './builder.ts';

const refused = (error: unknown): boolean => hasCode(error, 'invalid-argument');

describe('the builder', () => {
  test('stages changes until a rebalance makes them a ring', () => {
    const builder = RingBuilder.create({ partitionPower: 3 });
    assert.throws(() => builder.ring(), refused);
    builder.add(deviceAt());
    builder.rebalance({ nowMs: 0 });
    assert.equal(builder.ring().version, 1);
    builder.setWeight(0 as DeviceId, 50);
    assert.throws(() => builder.ring(), refused);
    const report = builder.rebalance({ nowMs: 0 });
    assert.deepEqual(
      { ...report },
      { version: 2, cause: 'none', changedPartitions: 0, movedPartitions: 0, placedReplicas: 0 },
    );
    assert.equal(builder.ring().devices[0]?.weight, 50);
  });

  test('never gives an id twice', () => {
    const builder = balancedBuilder([deviceAt(), deviceAt()], { partitionPower: 1 });
    builder.remove(1 as DeviceId);
    assert.equal(builder.add(deviceAt()), 2);
    builder.rebalance({ nowMs: 0 });
    assert.equal(builder.ring().devices[1], undefined);
  });

  test('can forget what was staged, but not reuse an id', () => {
    const builder = balancedBuilder([deviceAt(), deviceAt({ zone: 2 })], { partitionPower: 1 });
    const table = builder.ringTable();
    builder.remove(0 as DeviceId);
    builder.add(deviceAt({ zone: 3 }));
    builder.revertTo(table);
    assert.deepEqual(builder.ringTable(), table);
    assert.equal(builder.add(deviceAt()), 3);
    builder.rebalance({ nowMs: 0 });
    assert.throws(() => builder.revertTo(table), refused);
  });

  test('serves one cause at a time: what is gone, then what joined', () => {
    const devices = Array.from({ length: 6 }, (_, i) => deviceAt({ zone: i % 3 }));
    const builder = balancedBuilder(devices, { partitionPower: 6, minMoveHours: 0 });
    builder.remove(0 as DeviceId);
    for (const zone of [0, 1, 2]) builder.add(deviceAt({ zone }));
    const causes = [1, 2].map((second) => builder.rebalance({ nowMs: second * 1000 }).cause);
    assert.equal(causes[0], 'empty-slots');
    assert.match(causes[1] ?? '', /joined|weights/);
  });

  test('refuses what no ring could have, and stays as it was', () => {
    const builder = balancedBuilder([deviceAt()], { partitionPower: 1 });
    const before = builder.state;
    assert.throws(() => RingBuilder.create({ partitionPower: 21 }), refused);
    assert.throws(() => RingBuilder.create({ replicas: Number.NaN }), refused);
    assert.throws(() => builder.setReplicas(17), refused);
    assert.throws(() => builder.setOverload(-0.1), refused);
    assert.throws(() => builder.setMinMoveHours(Number.POSITIVE_INFINITY), refused);
    assert.throws(() => builder.add(deviceAt({ zone: 65_536 })), refused);
    assert.throws(() => builder.add(deviceAt({ host: '' })), refused);
    assert.throws(() => builder.add(deviceAt({ weight: -1 })), refused);
    assert.throws(() => builder.remove(1 as DeviceId), refused);
    assert.throws(() => builder.setWeight(9 as DeviceId, 1), refused);
    assert.equal(builder.state, before);
  });

  test('refuses to balance over devices that may hold nothing', () => {
    const builder = RingBuilder.create({ partitionPower: 1 });
    assert.throws(() => builder.rebalance({ nowMs: 0 }), refused);
    builder.add(deviceAt({ weight: 0 }));
    assert.throws(() => builder.rebalance({ nowMs: 0 }), refused);
  });
});
