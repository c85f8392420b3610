import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ClusterConfig, defaultClusterConfig } from '#common/config/cluster-config.ts';
import { deviceId } from '#common/ids.ts';
import type { ClusterIdentity } from './cluster-identity.ts';
import { dataPaths } from './data-paths.ts';
import { deviceAddress, devicesOfRole, planProcesses } from './role-plan.ts';

const identity: ClusterIdentity = {
  format: 1,
  clusterId: '0'.repeat(32),
  createdMs: 0,
  devices: 4,
  zones: 4,
  devicePaths: ['/disk/a'],
};

function plan(change: Partial<ClusterConfig>, devices: readonly number[]) {
  const config = { ...defaultClusterConfig(), ...change };
  return planProcesses(config, identity, dataPaths('/srv'), devices.map(deviceId)).map((role) => {
    const own = devicesOfRole(role).map(({ id, path }) => `${id} ${path}`);
    const ports =
      role.role === 'node'
        ? [role.config.proxy.listen.port, role.config.storage.listen.port]
        : [role.config.listen.port];
    return { name: role.config.name, ports, ...(own.length > 0 ? { devices: own } : {}) };
  });
}

describe('the processes of a cluster', () => {
  test('are by default one, which serves clients and devices', () => {
    assert.deepEqual(plan({}, [0, 1, 2, 3]), [
      {
        name: 'node-1',
        ports: [8080, 6200],
        devices: ['0 /disk/a', '1 /srv/devices/d1', '2 /srv/devices/d2', '3 /srv/devices/d3'],
      },
    ]);
    const storage = { ...defaultClusterConfig().storage, processes: 2 };
    assert.deepEqual(plan({ storage }, [0, 1, 2, 3]), [
      { name: 'node-1', ports: [8080, 6200], devices: ['0 /disk/a', '2 /srv/devices/d2'] },
      { name: 'node-2', ports: [8080, 6201], devices: ['1 /srv/devices/d1', '3 /srv/devices/d3'] },
    ]);
  });

  test('are four for devices and one for clients when apart', () => {
    assert.deepEqual(plan({ apart: true }, [0, 1, 2, 3, 4]), [
      { name: 'storage-1', ports: [6200], devices: ['0 /disk/a', '4 /srv/devices/d4'] },
      { name: 'storage-2', ports: [6201], devices: ['1 /srv/devices/d1'] },
      { name: 'storage-3', ports: [6202], devices: ['2 /srv/devices/d2'] },
      { name: 'storage-4', ports: [6203], devices: ['3 /srv/devices/d3'] },
      { name: 'proxy-1', ports: [8080] },
    ]);
  });

  test('are never more than there are devices, and those for clients share their port', () => {
    const storage = { ...defaultClusterConfig().storage, processes: 8 };
    assert.deepEqual(
      plan(
        { apart: true, storage, proxy: { ...defaultClusterConfig().proxy, processes: 2 }, portOffset: 100 },
        [0],
      ),
      [
        { name: 'storage-1', ports: [6300], devices: ['0 /disk/a'] },
        { name: 'proxy-1', ports: [8180] },
        { name: 'proxy-2', ports: [8180] },
      ],
    );
  });

  test('listen where the ring says that their devices are, also when a device has been removed', () => {
    const config = defaultClusterConfig();
    const devices = [0, 2, 3, 5].map(deviceId);
    const addressOf = deviceAddress(config, devices.length);
    for (const role of planProcesses(config, identity, dataPaths('/srv'), devices)) {
      if (role.role === 'node')
        for (const { id } of devicesOfRole(role)) assert.deepEqual(addressOf(id), role.config.storage.listen);
    }
  });
});
