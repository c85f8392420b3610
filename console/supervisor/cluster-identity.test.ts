import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { defaultClusterConfig } from '#common/config/cluster-config.ts';
import { hasCode } from '#common/errors.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import {
  checkNotForeign,
  checkUnchanged,
  newIdentity,
  parseIdentity,
  readIdentity,
  writeIdentity,
} from './cluster-identity.ts';
import { dataPaths } from './data-paths.ts';

describe('the identity of a data directory', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'holdfast-identity-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const make = () => newIdentity(defaultClusterConfig(), realRandomness(), 1234);

  test('reads back as it was written, for its owner alone', () => {
    const paths = dataPaths(root);
    assert.equal(readIdentity(paths), undefined);
    const identity = make();
    writeIdentity(paths, identity);
    assert.deepEqual(readIdentity(paths), identity);
    assert.equal(statSync(paths.identity).mode & 0o777, 0o600);
    assert.deepEqual([identity.devices, identity.zones, identity.createdMs], [4, 4, 1234]);
  });

  test('is not given to a folder that holds something else', () => {
    checkNotForeign(dataPaths(root));
    checkNotForeign(dataPaths(join(root, 'not-there')));
    writeFileSync(join(root, 'thesis.tex'), '');
    assert.throws(
      () => checkNotForeign(dataPaths(root)),
      /holds no cluster, but other files \(thesis\.tex\)/,
    );
  });

  test('of a newer format is refused, and so is a broken one', () => {
    const text = JSON.stringify({ ...make(), format: 2 });
    assert.throws(() => parseIdentity(text, 'h.json'), /format 2, and this program knows formats up to 1/);
    for (const broken of [
      '',
      '{',
      'null',
      '[]',
      '{"format":1}',
      text.replace('2', '1').replace(/"devices":4/, '"devices":-1'),
    ])
      assert.throws(
        () => parseIdentity(broken, 'h.json'),
        (error) => hasCode(error, 'format-invalid'),
      );
  });

  test('fixes devices, zones and the folders of devices', () => {
    const identity = { ...make(), devicePaths: ['/a', '/b'] };
    const config = defaultClusterConfig();
    checkUnchanged(identity, config);
    checkUnchanged(identity, { ...config, devices: 4, zones: 4, devicePaths: ['/a', '/b'] });
    assert.throws(
      () => checkUnchanged(identity, { ...config, devices: 5 }),
      /made with 4 devices, and devices is now 5/,
    );
    assert.throws(() => checkUnchanged(identity, { ...config, zones: 2 }), /made with 4 zones/);
    assert.throws(
      () => checkUnchanged(identity, { ...config, devicePaths: ['/a', '/c'] }),
      /device 1 in \/c, but it is in \/b/,
    );
  });
});
