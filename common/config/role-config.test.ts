import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { deviceId } from '#common/ids.ts';
import { loadRoleConfig, type RoleConfig, roleConfigText } from './role-config.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-role-'));
after(() => rmSync(folder, { recursive: true }));

function file(text: string): string {
  const name = join(folder, 'role.yaml');
  writeFileSync(name, text);
  return name;
}

const storage: RoleConfig = {
  role: 'storage',
  config: {
    name: 'storage-1',
    listen: { host: '127.0.0.1', port: 6200 },
    ringFile: '/srv/ring/ring',
    clusterKeyFile: '/srv/credentials/cluster.key',
    devices: [{ id: deviceId(0), path: '/srv/devices/d0 with: "quotes"' }],
    reserveBytes: 1,
    newVoters: false,
  },
};

const proxy: RoleConfig = {
  role: 'proxy',
  config: {
    name: 'proxy-1',
    listen: { host: '::1', port: 8080 },
    ringFile: '/srv/ring/ring',
    clusterKeyFile: '/srv/credentials/cluster.key',
    usersFile: '/srv/credentials/users.yaml',
    region: 'us-east-1',
    virtualHosts: ['s3.example.org'],
    bucketShards: 4,
    requestsMax: 500,
    onlyProxy: true,
    sweep: { graceSeconds: 60, intervalSeconds: 5, expirySeconds: 7, daySeconds: 60, reclaimSeconds: 120 },
  },
};

describe("a role's file", () => {
  const both: RoleConfig = {
    role: 'node',
    config: {
      name: 'node-1',
      storage: { ...storage.config, name: 'node-1' },
      proxy: { ...proxy.config, name: 'node-1' },
    },
  };
  for (const role of [storage, proxy, both]) {
    test(`for ${role.role} reads back as it was written`, () => {
      assert.deepEqual(loadRoleConfig(role.role, file(roleConfigText(role))), role);
    });
  }

  test('takes relative paths from its own folder', () => {
    const text = roleConfigText(storage).replaceAll('/srv/', './');
    const { config } = loadRoleConfig('storage', file(text));
    assert.ok('ringFile' in config);
    assert.equal(config.ringFile, join(folder, 'ring/ring'));
  });

  test('of another role is refused, with what is missing', () => {
    const name = file(roleConfigText(proxy));
    assert.throws(() => loadRoleConfig('storage', name), /proxy is not a setting[^]*storage is missing/);
  });

  test('names a wrong device by its place in the list', () => {
    const text = roleConfigText(storage).replace('id: 0', 'id: 70000');
    assert.throws(
      () => loadRoleConfig('storage', file(text)),
      /role\.yaml:\d+:\d+: storage\.devices\[0\]\.id: expected a whole number from 0 to 65535, found 70000/,
    );
  });
});
