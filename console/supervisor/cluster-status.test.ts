import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSingleHostRing } from '#ring/single-host-ring.ts';
import { countPartitions, devicesIn, deviceStatuses, isServing } from './cluster-status.ts';

const { ring } = createSingleHostRing({
  devices: 4,
  zones: 4,
  partitionPower: 6,
  addressOf: () => ({ host: '127.0.0.1', port: 6200 }),
});

describe('the partitions of a cluster', () => {
  test('are healthy while everything serves', () => {
    assert.deepEqual(
      countPartitions(ring, () => true),
      {
        count: 64,
        healthy: 64,
        degraded: 0,
        unavailable: 0,
      },
    );
  });

  test('are degraded where one member is down: three in four, with three replicas on four devices', () => {
    assert.deepEqual(
      countPartitions(ring, (device) => device !== 1),
      {
        count: 64,
        healthy: 16,
        degraded: 48,
        unavailable: 0,
      },
    );
  });

  test('are unavailable where fewer than a majority serve', () => {
    const counts = countPartitions(ring, (device) => device > 1);
    assert.equal(counts.healthy, 0);
    assert.equal(counts.degraded, 32);
    assert.equal(counts.unavailable, 32);
    assert.equal(countPartitions(ring, () => false).unavailable, 64);
  });
});

describe('the devices of a cluster', () => {
  const places = [
    { id: 0, path: '/d0', zone: 1, process: 'storage-1' },
    { id: 1, path: '/d1', zone: 2, process: 'storage-2' },
  ];

  test('are down when their process did not answer, and where they are is never what a process claims', () => {
    const told = devicesIn({ devices: [{ id: 0, health: 'full', freeBytes: 7, path: '/forged' }] });
    const [first, second] = deviceStatuses(places, told);
    assert.equal(first?.health, 'full');
    assert.equal(first?.freeBytes, 7);
    assert.equal(first?.path, '/d0');
    assert.equal(second?.health, 'down');
    assert.deepEqual(
      [first, second].map((device) => device !== undefined && isServing(device)),
      [true, false],
    );
  });

  test('of an answer that is none are none', () => {
    for (const answer of [undefined, null, 7, {}, { devices: 'x' }, { devices: [{}, null] }])
      assert.equal(devicesIn(answer).size, 0);
  });
});
