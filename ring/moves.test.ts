import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { hasCode } from '#common/errors.ts';
import type { DeviceId } from '#common/ids.ts';
import { arbitraryDevices, balancedBuilder, deviceAt, membersOf } from './arbitrary-devices.ts';
import { type BuilderState, RingBuilder } from './builder.ts';
import { beginMoves, finishMoves, settleDrops, standingTable, suspendMoves } from './moves.ts';
import { ringOf } from './table-ring.ts';

const LATER_MS = 1e12;

function fourDevices(): RingBuilder {
  return balancedBuilder(
    [1, 2, 3, 4].map((zone) => deviceAt({ zone })),
    { partitionPower: 6 },
  );
}

function movingPartitions({ moves }: BuilderState): Set<number> {
  return new Set(moves.map(({ partition }) => partition));
}

/** Every planned move begun and finished, every drop made. */
function settled(builder: RingBuilder): RingBuilder {
  const begun = beginMoves(builder.state, movingPartitions(builder.state));
  const finished = finishMoves(begun, movingPartitions(begun), LATER_MS);
  return new RingBuilder(settleDrops(finished, finished.drops));
}

describe('the moves of a cluster with data', () => {
  test('are planned first: no member and no epoch changes, and the new device stands in the ring', () => {
    const builder = fourDevices();
    const before = builder.state;
    const id = builder.add(deviceAt({ zone: 5 }));
    const report = builder.rebalance({ nowMs: LATER_MS, holdsData: true });
    const { state } = builder;
    assert.ok(report.movedPartitions > 0);
    assert.equal(state.moves.length, report.movedPartitions);
    assert.deepEqual(state.rows, before.rows);
    assert.deepEqual(state.epochs, before.epochs);
    assert.equal(ringOf(standingTable(state)).devices[id]?.id, id);
  });

  test('let a device join with one epoch, and make it a member with the next', () => {
    const builder = fourDevices();
    const id = builder.add(deviceAt({ zone: 5 }));
    builder.rebalance({ nowMs: LATER_MS, holdsData: true });
    const [move] = builder.state.moves;
    assert.ok(move !== undefined);
    const { partition } = move;
    const one = new Set([partition]);
    const [planned, begun] = [builder.state, beginMoves(builder.state, one)];
    const finished = finishMoves(begun, one, LATER_MS);
    const rings = [planned, begun, finished].map((state) => ringOf(standingTable(state)));
    const members = rings[0]?.members(partition) ?? [];
    assert.deepEqual(
      rings.map((ring) => ring.epoch(partition)),
      [1, 2, 3],
    );
    assert.deepEqual(rings[1]?.members(partition), members);
    assert.deepEqual(rings[1]?.voters(partition), [...members, id]);
    const left = members[move.row] as DeviceId;
    assert.deepEqual(
      rings[2]?.voters(partition),
      members.map((member) => (member === left ? id : member)),
    );
    assert.deepEqual(finished.drops, [{ partition, device: left }]);
  });

  test('can be taken back, with an epoch of its own', () => {
    const builder = fourDevices();
    builder.add(deviceAt({ zone: 5 }));
    builder.rebalance({ nowMs: LATER_MS, holdsData: true });
    const { partition } = builder.state.moves[0] ?? assert.fail();
    const one = new Set([partition]);
    const suspended = suspendMoves(beginMoves(builder.state, one), one);
    assert.equal(suspended.epochs[partition], 3);
    assert.deepEqual(suspended.moves, builder.state.moves);
    const ring = ringOf(standingTable(suspended));
    assert.equal(ring.voters(partition), ring.members(partition));
  });

  test('keep a device that was removed in the ring, a member, until its last partition has moved', () => {
    const builder = fourDevices();
    const gone = builder.state.devices[1]?.id ?? assert.fail();
    builder.add(deviceAt({ zone: 2 }));
    builder.remove(gone);
    builder.rebalance({ nowMs: LATER_MS, holdsData: true });
    const held = builder.state.rows.some((row) => row.includes(gone));
    assert.ok(held && builder.state.leaving.some(({ id }) => id === gone));
    assert.ok(ringOf(builder.ringTable()).devices[gone] !== undefined);
    const after = settled(builder);
    assert.deepEqual(after.state.leaving, []);
    assert.equal(ringOf(after.ringTable()).devices[gone], undefined);
    for (let partition = 0; partition < 64; partition++) assert.equal(membersOf(after, partition).length, 3);
  });

  test('leave a removed device where it is when nobody can take its place', () => {
    const builder = balancedBuilder(
      [1, 2, 3].map((zone) => deviceAt({ zone })),
      { partitionPower: 4 },
    );
    builder.remove(builder.state.devices[2]?.id ?? assert.fail());
    const report = builder.rebalance({ nowMs: LATER_MS, holdsData: true });
    assert.equal(report.movedPartitions, 0);
    assert.equal(builder.state.leaving.length, 1);
    for (let partition = 0; partition < 16; partition++)
      assert.equal(membersOf(builder, partition).length, 3);
  });

  test('give up a device that is removed while it joins, and drop what it has', () => {
    const builder = fourDevices();
    const id = builder.add(deviceAt({ zone: 5 }));
    builder.rebalance({ nowMs: LATER_MS, holdsData: true });
    const partitions = movingPartitions(builder.state);
    const joining = new RingBuilder(beginMoves(builder.state, partitions));
    joining.remove(id);
    joining.rebalance({ nowMs: LATER_MS, holdsData: true });
    assert.ok(!joining.state.moves.some(({ device }) => device === id));
    assert.equal(joining.state.drops.length, partitions.size);
    for (const partition of partitions) assert.equal(joining.state.epochs[partition], 3);
  });

  test('do not let a device come back before it has dropped what it had', () => {
    const builder = fourDevices();
    const id = builder.add(deviceAt({ zone: 5 }));
    builder.rebalance({ nowMs: LATER_MS, holdsData: true });
    const begun = beginMoves(builder.state, movingPartitions(builder.state));
    const finished = new RingBuilder(finishMoves(begun, movingPartitions(begun), LATER_MS));
    finished.remove(id);
    finished.rebalance({ nowMs: LATER_MS, holdsData: true });
    for (const { partition, device } of finished.state.moves)
      assert.ok(!begun.rows.some((row) => row[partition] === device));
    const wanted = new Set(finished.state.drops.map(({ partition, device }) => `${partition} ${device}`));
    for (const { partition, device } of finished.state.moves)
      assert.ok(!wanted.has(`${partition} ${device}`));
  });

  test('stand while other changes are staged', () => {
    const builder = fourDevices();
    builder.add(deviceAt({ zone: 5 }));
    builder.rebalance({ nowMs: LATER_MS, holdsData: true });
    builder.add(deviceAt({ zone: 6 }));
    const begun = beginMoves(builder.state, movingPartitions(builder.state));
    assert.equal(standingTable(begun).devices.length, 5);
    assert.throws(
      () => builder.ringTable(),
      (error) => hasCode(error, 'invalid-argument'),
    );
  });

  test('come to the same rings, after some rounds, as a cluster without data', () => {
    fc.assert(
      fc.property(arbitraryDevices([100], 4), fc.nat({ max: 3 }), (places, removed) => {
        const builder = balancedBuilder(places, { partitionPower: 4, minMoveHours: 0 });
        builder.add(deviceAt({ zone: 9 }));
        builder.remove(builder.state.devices[removed]?.id ?? assert.fail());
        let current = builder;
        for (let round = 0; round < 12; round++) {
          current.rebalance({ nowMs: LATER_MS, seed: 1, holdsData: true });
          if (current.state.moves.length === 0) break;
          current = settled(current);
        }
        assert.deepEqual(current.state.moves, []);
        assert.deepEqual(current.state.leaving, []);
      }),
      { numRuns: 30 },
    );
  });
});
