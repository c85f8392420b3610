import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { hasCode } from '#common/errors.ts';
import { clusterFields, devicesOf, loadClusterConfig, zonesOf } from './cluster-config.ts';
import { checkConfig } from './load.ts';
import { configurationPage } from './reference.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-config-'));
after(() => rmSync(folder, { recursive: true }));

function file(text: string): string {
  const name = join(folder, 'holdfast.yaml');
  writeFileSync(name, text);
  return name;
}

function problemsOf(text: string): string[] {
  try {
    checkConfig(text, 'c.yaml', clusterFields);
  } catch (error) {
    if (hasCode(error, 'configuration-invalid')) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('the configuration file', () => {
  test('may be left out or empty: everything has a default', () => {
    const none = loadClusterConfig(undefined, {}, '/srv');
    assert.equal(none.data, '/srv/data');
    assert.equal(none.objects.port, 8080);
    assert.equal(devicesOf(none), 4);
    assert.equal(zonesOf(none), 4);
    assert.deepEqual(loadClusterConfig(file('# nothing yet\n'), {}, '/').objects, none.objects);
    assert.deepEqual(loadClusterConfig(file('objects:\n'), {}, '/').objects, none.objects);
  });

  test('gives paths from its own folder, and sizes in bytes', () => {
    const config = loadClusterConfig(
      file('data: store\ndevicePaths: [d/0, /mnt/1]\nstorage:\n  reserveBytes: 1.5 GiB\n'),
      {},
      '/elsewhere',
    );
    assert.equal(config.data, join(folder, 'store'));
    assert.deepEqual(config.devicePaths, [join(folder, 'd/0'), '/mnt/1']);
    assert.equal(config.storage.reserveBytes, 1.5 * 2 ** 30);
    assert.equal(devicesOf(config), 2);
  });

  test('stands below the command line', () => {
    const overrides = { data: 'here', devices: 6, zones: 3, portOffset: 100 };
    const config = loadClusterConfig(file('data: there\ndevices: 2\nportOffset: 7\n'), overrides, '/srv');
    assert.equal(config.data, '/srv/here');
    assert.deepEqual([config.devices, config.zones, config.portOffset], [6, 3, 100]);
  });

  test('tells every mistake at once, each with its line, its column and what was expected', () => {
    const text = [
      'devices: many',
      'objects:',
      '  prot: 8080',
      '  host: "not a host"',
      'storage:',
      '  processes: 0',
      'users:',
      '  - account: film',
      'zebra: 1',
    ].join('\n');
    assert.deepEqual(problemsOf(text), [
      'c.yaml:1:10: devices: expected a whole number from 1 to 256, found "many"',
      'c.yaml:3:3: objects.prot is not a setting; did you mean objects.port?',
      'c.yaml:4:9: objects.host: expected a host name or an IP address, found "not a host"',
      'c.yaml:6:14: storage.processes: expected a whole number from 1 to 64, found 0',
      'c.yaml:8:5: users[0].name is missing: expected a name of at most 64 letters, digits, and . _ - (a letter or digit first)',
      'c.yaml:9:1: zebra is not a setting; the settings here are data, devices, zones, portOffset, devicePaths, apart, objects, control, identity, storage, proxy, metrics, sweep, users',
    ]);
  });

  test('refuses what is not YAML, a key given twice, and a section that is a word', () => {
    assert.match(problemsOf('objects: {port: 1')[0] ?? '', /^c\.yaml:1:\d+: not valid YAML/);
    assert.match(problemsOf('devices: 1\ndevices: 2\n')[0] ?? '', /^c\.yaml:2:1: not valid YAML: .*unique/);
    assert.match(
      problemsOf('objects: yes\n')[0] ?? '',
      /c\.yaml:1:10: objects: expected a section with host/,
    );
    assert.match(problemsOf('- 1\n')[0] ?? '', /^c\.yaml:1:1: the file: expected a section/);
  });

  test('follows aliases, and does not follow one into itself', () => {
    const shared = checkConfig('objects: {host: &h ::1}\ncontrol: {host: *h}\n', 'c.yaml', clusterFields);
    assert.equal(shared.control.host, '::1');
    assert.equal(problemsOf('devicePaths: &x [*x]\n').length, 1);
  });

  test('lists at most twenty problems and counts the others', () => {
    const problems = problemsOf(Array.from({ length: 30 }, (_, n) => `wrong${n}: 1`).join('\n'));
    assert.equal(problems.length, 21);
    assert.equal(problems.at(-1), '… and 10 more');
  });

  test('names settings that cannot stand together', () => {
    const refused = (text: string, words: RegExp) =>
      assert.throws(() => loadClusterConfig(file(text), {}, '/'), words);
    refused('devices: 3\ndevicePaths: [a, b]\n', /devices is 3, but devicePaths names 2/);
    refused('devices: 2\nzones: 3\n', /zones is 3: more than the 2 devices/);
    refused('objects: {port: 6200}\n', /share a port/);
    refused('objects: {port: 65000}\nportOffset: 1000\n', /above 65535/);
    refused('users: [{name: a}, {name: a}]\n', /users names a twice/);
  });

  test('that cannot be read is named', () => {
    assert.throws(() => loadClusterConfig('missing.yaml', {}, folder), /missing\.yaml: ENOENT/);
  });

  test('is described by docs/configuration.md, word for word', () => {
    const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
    assert.equal(page, configurationPage(), 'run `npm run docs` and commit the page');
  });
});
