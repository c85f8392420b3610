import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ClusterConfig, defaultClusterConfig } from '#common/config/cluster-config.ts';
import { deviceId } from '#common/ids.ts';
import type { ClusterIdentity } from './cluster-identity.ts';
import { dataPaths } from './data-paths.ts';
import { deviceAddress, planProcesses } from './role-plan.ts';

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
  return planProcesses(config, identity, dataPaths('/srv'), devices.map(deviceId)).map(
    ({ role, config: own }) => ({
      role,
      name: own.name,
      port: own.listen.port,
      ...('devices' in own ? { devices: own.devices.map(({ id, path }) => `${id} ${path}`) } : {}),
    }),
  );
}

describe('the processes of a cluster', () => {
  test('are by default four for storage and one for S3, each device in one of them', () => {
    assert.deepEqual(plan({}, [0, 1, 2, 3, 4]), [
      { role: 'storage', name: 'storage-1', port: 6200, devices: ['0 /disk/a', '4 /srv/devices/d4'] },
      { role: 'storage', name: 'storage-2', port: 6201, devices: ['1 /srv/devices/d1'] },
      { role: 'storage', name: 'storage-3', port: 6202, devices: ['2 /srv/devices/d2'] },
      { role: 'storage', name: 'storage-4', port: 6203, devices: ['3 /srv/devices/d3'] },
      { role: 'proxy', name: 'proxy-1', port: 8080 },
    ]);
    const storage = { ...defaultClusterConfig().storage, processes: 2 };
    assert.deepEqual(plan({ storage }, [0, 1, 2, 3]), [
      { role: 'storage', name: 'storage-1', port: 6200, devices: ['0 /disk/a', '2 /srv/devices/d2'] },
      { role: 'storage', name: 'storage-2', port: 6201, devices: ['1 /srv/devices/d1', '3 /srv/devices/d3'] },
      { role: 'proxy', name: 'proxy-1', port: 8080 },
    ]);
  });

  test('are never more than there are devices, and proxies share their port', () => {
    const storage = { ...defaultClusterConfig().storage, processes: 8 };
    assert.deepEqual(plan({ storage, proxy: { processes: 2 }, portOffset: 100 }, [0]), [
      { role: 'storage', name: 'storage-1', port: 6300, devices: ['0 /disk/a'] },
      { role: 'proxy', name: 'proxy-1', port: 8180 },
      { role: 'proxy', name: 'proxy-2', port: 8180 },
    ]);
  });

  test('listen where the ring says that their devices are, also when a device has been removed', () => {
    const config = defaultClusterConfig();
    const devices = [0, 2, 3, 5].map(deviceId);
    const addressOf = deviceAddress(config, devices.length);
    for (const role of planProcesses(config, identity, dataPaths('/srv'), devices)) {
      if (role.role === 'storage')
        for (const { id } of role.config.devices) assert.deepEqual(addressOf(id), role.config.listen);
    }
  });
});
