import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { arbitraryDevices, balancedBuilder, copyOf, deviceAt } from './arbitrary-devices.ts';
import { createPlacement } from './placement-hash.ts';
import { createSingleHostRing } from './single-host-ring.ts';
import { reportDispersion } from './dispersion.ts';

const highBits = fc.integer({ min: 0, max: 0xffff_ffff });

describe('a lookup', () => {
  test("takes a hash's highest bits, from 64 bits as from the upper 32", () => {
    fc.assert(
      fc.property(highBits, highBits, fc.constantFrom(0, 1, 5, 10), (high, low, partitionPower) => {
        const ring = balancedBuilder([deviceAt()], { partitionPower }).ring();
        const expected = Math.floor((high / 2 ** 32) * 2 ** partitionPower);
        assert.equal(ring.partitionOfHigh(high), expected);
        assert.equal(ring.partitionOf((BigInt(high) << 32n) | BigInt(low)), expected);
      }),
    );
  });

  test('gives one frozen array per partition, every time the same', () => {
    const ring = balancedBuilder([deviceAt(), deviceAt({ zone: 2 })], { partitionPower: 2 }).ring();
    assert.equal(ring.members(3), ring.members(3));
    assert.ok(Object.isFrozen(ring.members(3)));
    assert.throws(() => ring.members(4), RangeError);
    assert.throws(() => ring.epoch(-1), RangeError);
  });

  test('is by xxHash64, whose value for the empty key is known', async () => {
    const placement = await createPlacement();
    // xxHash specification: XXH64 of nothing with seed 0 is EF46DB3751D8E999.
    assert.equal(placement(new Uint8Array(0)), 0xef46db37);
    assert.equal(placement(Buffer.from('a')), 0xd24ec4f1);
  });
});

describe('handoffs', () => {
  test('are every other device once, in the same order each time', () => {
    fc.assert(
      fc.property(
        arbitraryDevices([0, 50, 100]).filter(hasWeight),
        fc.nat({ max: 15 }),
        (devices, partition) => {
          const ring = balancedBuilder(devices, { partitionPower: 4 }).ring();
          const order = [...ring.handoffs(partition)];
          assert.deepEqual([...ring.handoffs(partition)], order);
          const all = [...ring.members(partition), ...order].toSorted((a, b) => a - b);
          assert.deepEqual(
            all,
            Array.from(devices, (_, id) => id),
          );
        },
      ),
    );
  });

  test('stand first where no member is: another region, then another zone, then another host', () => {
    const places = [
      ...[1, 2, 3].map((zone) => deviceAt({ zone })),
      deviceAt({ zone: 3, host: 'b', weight: 1e-9 }),
      deviceAt({ zone: 4, weight: 1e-9 }),
      deviceAt({ region: 2, weight: 1e-9 }),
      deviceAt({ region: 3, weight: 0 }),
    ];
    const ring = balancedBuilder(places, { partitionPower: 4, replicas: 3, overload: 0 }).ring();
    for (let partition = 0; partition < 16; partition++) {
      assert.deepEqual(
        ring.members(partition).toSorted((a, b) => a - b),
        [0, 1, 2],
      );
      assert.deepEqual([...ring.handoffs(partition)], [5, 4, 3, 6]);
    }
  });

  test('spread the partitions of a lost device over all others', () => {
    const devices = Array.from({ length: 12 }, (_, i) => deviceAt({ zone: i % 4, host: `h${i}` }));
    const ring = balancedBuilder(devices, { partitionPower: 10 }).ring();
    const firsts = new Map<number, number>();
    for (let partition = 0; partition < 1024; partition++) {
      const [first] = ring.handoffs(partition);
      if (first !== undefined) firsts.set(first, (firsts.get(first) ?? 0) + 1);
    }
    assert.equal(firsts.size, 12);
    for (const count of firsts.values()) assert.ok(count > 50 && count < 130, `${count}`);
  });
});

describe('growing the partition power', () => {
  test('leaves every key on its devices, and every epoch above all that were before', () => {
    fc.assert(
      fc.property(
        arbitraryDevices([50, 100], 4),
        highBits,
        fc.constantFrom(2.5, 3),
        (devices, high, replicas) => {
          const builder = balancedBuilder(devices, { partitionPower: 5, replicas });
          builder.add(deviceAt({ zone: 3 }));
          builder.rebalance({ nowMs: 1000 });
          const before = builder.ring();
          const grown = copyOf(builder);
          grown.growPartitionPower();
          const after = grown.ring();
          assert.equal(after.partitionPower, 6);
          assert.equal(after.version, before.version + 1);
          assert.deepEqual(
            after.members(after.partitionOfHigh(high)),
            before.members(before.partitionOfHigh(high)),
          );
          assert.ok(after.epoch(after.partitionOfHigh(high)) > Math.max(...builder.state.epochs));
        },
      ),
    );
  });

  test('is followed by rebalances that move next to nothing', () => {
    const devices = Array.from({ length: 9 }, (_, i) => deviceAt({ zone: i % 3, weight: 50 + i * 10 }));
    const builder = balancedBuilder(devices, { partitionPower: 7 });
    builder.growPartitionPower();
    assert.ok(builder.rebalance({ nowMs: 1000 }).movedPartitions <= devices.length);
  });
});

describe('the first ring of one machine', () => {
  const addressOf = (device: number) => ({ host: '127.0.0.1', port: 21100 + device });

  test('has the replicas of every partition in three zones, however the devices divide over them', () => {
    for (const [devices, zones] of [
      [3, 3],
      [4, 3],
      [5, 3],
      [4, 4],
      [7, 5],
      [12, 4],
    ] as const) {
      const { builder, ring } = createSingleHostRing({ devices, zones, addressOf });
      const report = reportDispersion(builder.state.devices, builder.state.rows, 1024);
      assert.equal(report.together.zone, 0);
      assert.equal(report.missing, 0);
      assert.equal(ring.devices[devices - 1]?.address.port, 21099 + devices);
    }
  });

  test('is the same each time, and has as many members as there are devices', () => {
    const options = { devices: 2, zones: 1, partitionPower: 3, addressOf };
    const { builder, ring } = createSingleHostRing(options);
    assert.deepEqual(builder.state, createSingleHostRing(options).builder.state);
    assert.equal(ring.members(7).length, 2);
    assert.equal(ring.version, 1);
    assert.equal(ring.epoch(7), 1);
  });
});

function hasWeight(devices: readonly { weight: number }[]): boolean {
  return devices.some(({ weight }) => weight > 0);
}
