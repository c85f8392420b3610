import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryCluster } from '#cluster/memory-cluster.ts';
import { spaceId } from '#common/ids.ts';
import type { WriteLease } from './bucket-access.ts';
import { changeVersion } from './change-version.ts';
import { EncodedObject } from './object-record.ts';
import { removeObject, writeObject } from './object-store.ts';
import { readVersion, removeVersion } from './object-versions.ts';
import { parseVersionSelector, type VersionSelector } from './version-id.ts';

const bucket = { bucketId: spaceId('b'.repeat(32)), shards: 3, versioning: 'enabled' as const };
const address = { account: bucket.bucketId, name: 'bucket' };
const lease: WriteLease = {
  bucket,
  address,
  isValid: () => true,
  renew: async () => {},
  confirm: async () => {},
};

function objectOf(text: string): EncodedObject {
  const bytes = Buffer.from(text);
  const metadata = { etag: '0'.repeat(32), sizeBytes: bytes.length, headers: {}, user: {} };
  return new EncodedObject(metadata, { form: 'inline', bytes });
}

async function written(cluster: ReturnType<typeof memoryCluster>, text: string): Promise<VersionSelector> {
  const outcome = await writeObject(cluster, lease, 'key', objectOf(text));
  const selector = outcome.outcome === 'done' ? parseVersionSelector(outcome.versionId ?? '') : undefined;
  assert.ok(selector !== undefined);
  return selector;
}

const tag = (value: string) => (metadata: EncodedObject['metadata']) => ({
  ...metadata,
  tags: [['name', value]] as const,
});

test('each version has what it was given, and keeps it when it becomes current again', async () => {
  const cluster = memoryCluster({ nowMs: () => Date.now() });
  const first = await written(cluster, 'first');
  const second = await written(cluster, 'second');
  const tagOf = async (selector?: VersionSelector) => {
    const found = await readVersion(cluster, bucket, 'key', selector);
    return found?.type === 'object' ? found.record.metadata.tags?.[0]?.[1] : found?.type;
  };
  const before = await readVersion(cluster, bucket, 'key', first);
  await changeVersion(cluster, lease, 'key', first, tag('old'));
  await changeVersion(cluster, lease, 'key', undefined, tag('new'));
  assert.deepEqual([await tagOf(first), await tagOf(second), await tagOf()], ['old', 'new', 'new']);
  const after = await readVersion(cluster, bucket, 'key', first);
  assert.ok(before?.type === 'object' && after?.type === 'object');
  assert.equal(after.record.modifiedMs, before.record.modifiedMs);
  assert.equal(after.record.version.revision, before.record.version.revision + 1);
  await removeVersion(cluster, lease, 'key', second);
  assert.equal(await tagOf(), 'old');
  await changeVersion(cluster, lease, 'key', first, tag('again'));
  assert.equal(await tagOf(), 'again');
});

test('what is not there is not changed, and a delete marker stays one', async () => {
  const cluster = memoryCluster({ nowMs: () => Date.now() });
  assert.equal(await changeVersion(cluster, lease, 'key', undefined, tag('x')), undefined);
  const first = await written(cluster, 'first');
  await removeObject(cluster, lease, 'key');
  assert.equal((await changeVersion(cluster, lease, 'key', undefined, tag('x')))?.type, 'delete-marker');
  assert.equal((await changeVersion(cluster, lease, 'key', first, tag('x')))?.type, 'object');
});
