import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  arbitraryDevices,
  balancedBuilder,
  copyOf,
  deviceAt,
  differences,
  dispersionOf,
  heldBy,
  membersOf,
} from '../arbitrary-devices.ts';

const weights = [50, 100, 200, 300];
const replicaCounts = fc.constantFrom(1, 1.25, 2, 2.5, 3, 3.75, 5);
const apart = { region: 0, zone: 0, rack: 0, host: 0, device: 0 };

describe('a new ring', () => {
  test('with overload to spare keeps apart every two replicas that can be apart', () => {
    fc.assert(
      fc.property(arbitraryDevices(weights), replicaCounts, (devices, replicas) => {
        const builder = balancedBuilder(devices, { partitionPower: 7, replicas, overload: 1000 });
        assert.deepEqual(dispersionOf(builder).together, apart);
      }),
    );
  });

  test('without overload gives each device its share by weight to the last replica, in every shape of cluster', () => {
    fc.assert(
      fc.property(arbitraryDevices(weights), replicaCounts, (devices, replicas) => {
        const builder = balancedBuilder(devices, { partitionPower: 7, replicas, overload: 0 });
        for (const { replicas: held, share } of dispersionOf(builder).devices)
          assert.ok(Math.abs(held - share) < 1, `${held} replicas for a share of ${share}`);
      }),
    );
  });

  test('with enough partitions holds each device to 1 % of its weight', () => {
    fc.assert(
      fc.property(arbitraryDevices(weights, 8), (devices) => {
        const builder = balancedBuilder(devices, { partitionPower: 12, replicas: 3, overload: 0 });
        assert.ok(dispersionOf(builder).worstDeviation <= 0.01);
      }),
      { numRuns: 15 },
    );
  });

  test('gives no device more than its overload allows', () => {
    fc.assert(
      fc.property(arbitraryDevices(weights, 4), fc.constantFrom(0.05, 0.3, 1), (devices, overload) => {
        const builder = balancedBuilder(devices, { partitionPower: 8, replicas: 3, overload });
        for (const { replicas, share } of dispersionOf(builder).devices)
          assert.ok(replicas <= share * (1 + overload) + 1, `${replicas} replicas for a share of ${share}`);
      }),
    );
  });

  test('trades weight for dispersion as far as the overload goes', () => {
    // Two large zones and a small one, which needs two thirds more than its weight to have a replica of everything.
    const zones = [3, 3, 1.5].map((weight, i) => deviceAt({ zone: i, weight: weight * 100 }));
    const devices = zones.flatMap((device) => [1, 2, 3].map((host) => ({ ...device, host: `${host}` })));
    const together = [0, 0.25, 0.5, 0.7].map((overload) => {
      const builder = balancedBuilder(devices, { partitionPower: 10, replicas: 3, overload });
      return dispersionOf(builder).together.zone;
    });
    const expected = [0.4, 0.25, 0.1, 0];
    for (const [i, share] of together.entries())
      assert.ok(Math.abs(share - (expected[i] as number)) < 0.01, `${share}`);
  });

  test('has each partition once on a device, and none where devices run out', () => {
    const builder = balancedBuilder([deviceAt(), deviceAt({ zone: 2 })], { partitionPower: 4, replicas: 3 });
    for (let partition = 0; partition < 16; partition++)
      assert.deepEqual(membersOf(builder, partition).toSorted(ascending), [0, 1]);
    assert.equal(dispersionOf(builder).missing, 16);
  });

  test('with a fraction of a replica gives that share of the partitions one more', () => {
    const devices = [1, 2, 3, 4, 5].map((zone) => deviceAt({ zone }));
    const builder = balancedBuilder(devices, { partitionPower: 8, replicas: 2.25 });
    const counts = Array.from({ length: 256 }, (_, partition) => membersOf(builder, partition).length);
    assert.equal(counts.filter((count) => count === 3).length, 64);
    assert.equal(counts.filter((count) => count === 2).length, 192);
  });

  test('makes every device primary about as often as another', () => {
    const devices = [1, 2, 3].map((zone) => deviceAt({ zone }));
    const builder = balancedBuilder(devices, { partitionPower: 12, replicas: 3 });
    for (const id of [0, 1, 2]) {
      const primaries = builder.state.rows[0]?.filter((member) => member === id).length ?? 0;
      assert.ok(primaries > 1200 && primaries < 1550, `${primaries} of 4096`);
    }
  });

  test('pairs every device with many others, so that many help when one is lost', () => {
    const devices = Array.from({ length: 40 }, (_, i) => deviceAt({ zone: i % 4, host: `h${i}` }));
    const builder = balancedBuilder(devices, { partitionPower: 10, replicas: 3 });
    const peers = new Set<number>();
    for (let partition = 0; partition < 1024; partition++) {
      const members = membersOf(builder, partition);
      if (members.includes(0)) for (const member of members) peers.add(member);
    }
    assert.equal(peers.size, 31, 'itself and the 30 devices of the other zones');
  });

  test('is the same for the same seed and another for another', () => {
    fc.assert(
      fc.property(arbitraryDevices(weights, 6), fc.integer({ min: 0 }), (devices, seed) => {
        const first = balancedBuilder(devices, { partitionPower: 6 });
        const second = copyOf(first);
        for (const builder of [first, second]) {
          builder.add(deviceAt({ zone: 3 }));
          builder.rebalance({ nowMs: 0, seed });
        }
        assert.deepEqual(first.state, second.state);
      }),
    );
  });
});

describe('a rebalance', () => {
  test('moves to a device that joins at most what it is to hold, and nothing else', () => {
    fc.assert(
      fc.property(arbitraryDevices(weights, 4), arbitraryDevices(weights), (devices, [joining]) => {
        const before = balancedBuilder(devices, { partitionPower: 8, overload: 0.1 });
        const after = copyOf(before);
        const id = after.add(joining as (typeof devices)[number]);
        after.rebalance({ nowMs: 1000 });
        const moves = differences(before, after);
        const share = dispersionOf(after).devices.find((device) => device.id === id)?.share ?? 0;
        assert.ok(moves.length <= share * 1.1 + 1, `${moves.length} moves for a share of ${share}`);
        for (const { left, joined } of moves) {
          assert.deepEqual(joined, [id]);
          assert.equal(left.length, 1);
        }
      }),
    );
  });

  test('after a removal moves only what was on the device', () => {
    fc.assert(
      fc.property(arbitraryDevices(weights, 5), fc.nat({ max: 4 }), (devices, gone) => {
        const before = balancedBuilder(devices, { partitionPower: 8, overload: 0.1 });
        const after = copyOf(before);
        const id = after.state.devices[gone]?.id;
        assert.ok(id !== undefined);
        after.remove(id);
        after.rebalance({ nowMs: 1000 });
        assert.equal(heldBy(after, id), 0);
        assert.equal(dispersionOf(after).missing, 0);
        for (const { left, joined } of differences(before, after)) {
          assert.deepEqual(left, [id]);
          assert.equal(joined.length, 1);
        }
      }),
    );
  });

  test('moves at most one replica of a partition, and raises the epochs of those that it moves alone', () => {
    fc.assert(
      fc.property(arbitraryDevices(weights, 5), arbitraryDevices(weights, 3), (devices, joining) => {
        const before = balancedBuilder(devices, { partitionPower: 7 });
        const after = copyOf(before);
        for (const device of joining) after.add(device);
        for (const { id } of before.state.devices.slice(0, 2)) after.setWeight(id, 0);
        after.rebalance({ nowMs: 1000 });
        const moved = new Set(
          differences(before, after).map(({ partition, left }) => (left.length === 1 ? partition : -1)),
        );
        assert.ok(!moved.has(-1));
        for (const [partition, epoch] of after.state.epochs.entries())
          assert.equal(epoch, moved.has(partition) ? 2 : 1);
      }),
    );
  });

  test('repeated comes to rest, as dispersed as a new ring of these devices and within 3 % of the partitions of its balance', () => {
    fc.assert(
      fc.property(arbitraryDevices(weights, 8), arbitraryDevices(weights, 4), (devices, joining) => {
        const builder = balancedBuilder(devices, { partitionPower: 8, overload: 1000, minMoveHours: 0 });
        for (const device of joining) builder.add(device);
        builder.remove(builder.state.devices[1]?.id ?? assert.fail());
        builder.setWeight(builder.state.devices[0]?.id ?? assert.fail(), 250);
        let rounds = 0;
        while (builder.rebalance({ nowMs: rounds * 1000 }).cause !== 'none')
          assert.ok(++rounds < 30, 'never rests');
        assert.deepEqual(dispersionOf(builder).together, apart);
        const anew = balancedBuilder(builder.state.devices, builder.state);
        for (const [i, { id }] of builder.state.devices.entries()) {
          const difference = heldBy(builder, id) - heldBy(anew, i as typeof id);
          assert.ok(Math.abs(difference) <= 8, `device ${id} differs by ${difference}`);
        }
      }),
      { numRuns: 40 },
    );
  });

  test('drains a device of weight 0 completely', () => {
    const devices = Array.from({ length: 8 }, (_, i) => deviceAt({ zone: i % 4 }));
    const builder = balancedBuilder(devices, { partitionPower: 8, minMoveHours: 0 });
    const id = builder.state.devices[3]?.id ?? assert.fail();
    builder.setWeight(id, 0);
    for (let round = 1; round < 5; round++) builder.rebalance({ nowMs: round * 1000 });
    assert.equal(heldBy(builder, id), 0);
  });

  test('lets a partition that has moved stay for the hours it was promised, unless its device goes', () => {
    const devices = Array.from({ length: 6 }, (_, i) => deviceAt({ zone: i % 3 }));
    const builder = balancedBuilder(devices, { partitionPower: 6, minMoveHours: 2 });
    builder.add(deviceAt({ zone: 1 }));
    const hourMs = 3_600_000;
    assert.ok(builder.rebalance({ nowMs: 10 * hourMs }).movedPartitions > 0);
    const moved = copyOf(builder);
    for (const { id } of builder.state.devices.slice(0, 6)) builder.setWeight(id, 1);
    builder.rebalance({ nowMs: 11 * hourMs });
    const first = new Set(
      Array.from(moved.state.movedSeconds.entries())
        .filter(([, s]) => s > 0)
        .map(([p]) => p),
    );
    assert.ok(differences(moved, builder).every(({ partition }) => !first.has(partition)));
    const lost = builder.state.devices[6]?.id ?? assert.fail();
    builder.remove(lost);
    builder.rebalance({ nowMs: 11 * hourMs });
    assert.equal(heldBy(builder, lost), 0);
  });

  test('adds and drops replicas without moving the others', () => {
    fc.assert(
      fc.property(arbitraryDevices(weights, 6), fc.constantFrom(1, 1.5, 2, 3.5, 4), (devices, replicas) => {
        const before = balancedBuilder(devices, { partitionPower: 6, replicas: 3 });
        const after = copyOf(before);
        after.setReplicas(replicas);
        after.rebalance({ nowMs: 1000 });
        for (const { left, joined } of differences(before, after))
          assert.equal(replicas > 3 ? left.length : joined.length, 0);
        const slots = after.state.rows.reduce((sum, row) => sum + row.length, 0);
        assert.equal(slots, 64 * replicas);
        assert.equal(dispersionOf(after).missing, 0);
      }),
    );
  });
});

function ascending(a: number, b: number): number {
  return a - b;
}
