/** What crashes leave behind, and that the sweep takes that alone: over the real protocol, with devices in memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RecordKey, recordKinds } from '#common/codec/record-key.ts';
import { type BlobId, spaceId } from '#common/ids.ts';
import { realClock } from '#common/io/real-clock.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import { createLogger } from '#common/log/logger.ts';
import type { Cluster, Stripe } from '#cluster/cluster.ts';
import type { OpenCluster } from '#cluster/open-cluster.ts';
import type { WriteLease } from '#proxy/objects/bucket-access.ts';
import { storeLayout } from '#proxy/objects/object-body.ts';
import { EncodedObject } from '#proxy/objects/object-record.ts';
import { objectKey, readObject, removeObject, writeObject } from '#proxy/objects/object-store.ts';
import { newUploadId } from '#proxy/objects/upload-record.ts';
import {
  createUpload,
  listParts,
  removeUploadRecord,
  uploadKey,
  writePart,
} from '#proxy/objects/upload-store.ts';
import { Sweep } from '#proxy/sweep/sweep.ts';
import { type SweepFigures, noFigures } from '#proxy/sweep/sweep-context.ts';
import { MemoryNodes } from './memory-nodes.ts';

/** A writer that has not renewed its lease for half of it calls itself dead. */
const GRACE_MS = 6000;
const RECLAIM_MS = 500;
const log = createLogger({ level: 'error', form: 'json', nowMs: Date.now, sink: { write: () => undefined } });
const bucket = { bucketId: spaceId('be'.repeat(16)), shards: 2 };
const lease: WriteLease = {
  address: { account: bucket.bucketId, name: 'bucket' },
  bucket,
  isValid: () => true,
  renew: async () => undefined,
  confirm: async () => undefined,
};

async function store(cluster: Cluster, owner: RecordKey, text: string): Promise<Stripe[]> {
  const writer = cluster.bodies.write(owner);
  await writer.write(Buffer.from(text));
  return writer.finish();
}

async function putObject(cluster: Cluster, name: string, text: string): Promise<BlobId> {
  const stripes = await store(cluster, objectKey(bucket, name), text);
  const body = await storeLayout(cluster, objectKey(bucket, name), { stripes, parts: [] });
  const metadata = { etag: 'ab'.repeat(16), sizeBytes: text.length, headers: {}, user: {} };
  await writeObject(cluster, lease, name, new EncodedObject(metadata, body));
  return (stripes[0] as Stripe).id;
}

async function sweep({ upkeep, ...cluster }: OpenCluster): Promise<SweepFigures> {
  const settings = { intervalMs: 1e9, reclaimMs: RECLAIM_MS };
  const figures = noFigures();
  await new Sweep({ cluster, upkeep, clock: realClock(), log, settings }).pass(figures);
  return figures;
}

/** The blobs that any device holds. */
async function held(nodes: MemoryNodes): Promise<BlobId[]> {
  const found = new Set<BlobId>();
  for (const engine of nodes.engines) {
    for (const { id } of await engine.listBlobs(undefined, 1000)) found.add(id);
  }
  return [...found].toSorted();
}

test('stripes that a dead process left are swept, when nobody waits for them any more', async () => {
  await using nodes = await MemoryNodes.start(4, 5);
  const dying = await nodes.open('dying', GRACE_MS);
  const kept = [await putObject(dying, 'a', 'alpha'), await putObject(dying, 'b', 'beta')];
  const lost = (await store(dying, objectKey(bucket, 'a'), 'of an upload that never ended'))[0] as Stripe;
  await store(dying, objectKey(bucket, 'c'), 'and another');
  const living = await nodes.open('living', GRACE_MS);
  living.upkeep.start();
  await sweep(living);
  assert.equal((await held(nodes)).length, 4, 'its lease has not run out');
  await dying.close();
  await sleep(GRACE_MS + 100);
  const figures = await sweep(living);
  assert.deepEqual(await held(nodes), kept.toSorted());
  assert.equal(figures.sweptBlobs, 2);
  assert.equal(figures.failures, 0);
  assert.ok(figures.sweptBytes > lost.lengthBytes);
  const object = await readObject(living, bucket, 'a');
  assert.equal(object?.metadata.sizeBytes, 5);
});

test('what a living process writes is its own to sweep, and what it is still writing is nobody’s', async () => {
  await using nodes = await MemoryNodes.start(4, 6);
  const one = await nodes.open('one', GRACE_MS);
  const other = await nodes.open('other', GRACE_MS);
  other.upkeep.start();
  await store(one, objectKey(bucket, 'x'), 'released by nobody');
  const slow = one.bodies.write(objectKey(bucket, 'slow'));
  await slow.write(Buffer.from('slow'));
  await sleep(GRACE_MS * 1.5);
  await sweep(other);
  assert.equal((await held(nodes)).length, 1, 'its writer lives');
  await sweep(one);
  assert.deepEqual(await held(nodes), []);
  await slow.write(Buffer.from('er'));
  const [stripe] = await slow.finish();
  await sweep(one);
  assert.deepEqual(await held(nodes), [stripe?.id], 'younger than the grace');
});

test('a process that was taken for dead does not finish a body that may have been swept', async () => {
  await using nodes = await MemoryNodes.start(3, 8);
  const cut = await nodes.open('cut', GRACE_MS);
  const body = cut.bodies.write(objectKey(bucket, 'x'));
  await body.write(Buffer.from('half'));
  await nodes.stopNode(0);
  await nodes.stopNode(1);
  await sleep(GRACE_MS);
  await nodes.startNode(0);
  await nodes.startNode(1);
  await assert.rejects(body.finish(), { code: 'quorum-unavailable' });
  await body.abort();
});

test('parts whose upload is gone, and their stripes, are swept; those of an open upload stay', async () => {
  await using nodes = await MemoryNodes.start(4, 9);
  const cluster = await nodes.open('one', GRACE_MS);
  cluster.upkeep.start();
  const upload = { initiatedMs: Date.now(), headers: {}, user: {} };
  const ids = [newUploadId(Date.now(), realRandomness()), newUploadId(Date.now(), realRandomness())];
  const stripes: Stripe[] = [];
  for (const id of ids) {
    await createUpload(cluster, lease, 'film', id, upload);
    const [stripe] = await store(cluster, uploadKey(bucket, 'film', id), `part of ${id}`);
    assert.ok(stripe);
    stripes.push(stripe);
    const part = { number: 1, md5Hex: 'cd'.repeat(16), sizeBytes: stripe.lengthBytes, checksum: undefined };
    await writePart(cluster, lease, 'film', id, { ...part, stripes: [stripe] });
  }
  // As an abort that a crash cuts short.
  await removeUploadRecord(cluster, bucket, 'film', ids[0] as string);
  await sleep(GRACE_MS + 100);
  const figures = await sweep(cluster);
  assert.equal(figures.sweptParts, 1);
  assert.deepEqual(await held(nodes), [stripes[1]?.id]);
  const left = await Promise.all(ids.map((id) => listParts(cluster, bucket, id, 0, 10)));
  assert.deepEqual(
    left.map(({ parts }) => parts.length),
    [0, 1],
  );
});

test('a tombstone is reclaimed when every member holds it, and not while one is behind', async () => {
  await using nodes = await MemoryNodes.start(3, 10);
  const cluster = await nodes.open('one', GRACE_MS);
  cluster.upkeep.start();
  const count = () => cluster.listings.count({ space: bucket.bucketId, kind: recordKinds.object, shards: 2 });
  for (const name of ['gone', 'behind', 'stays']) await putObject(cluster, name, name);
  await removeObject(cluster, lease, 'gone');
  // Whoever notices that the node missed it is gone before it could tell it.
  const writer = await nodes.open('writer', GRACE_MS);
  await nodes.stopNode(2);
  await removeObject(writer, lease, 'behind');
  await writer.close();
  await nodes.startNode(2);
  await sleep(RECLAIM_MS + 600);
  const figures = await sweep(cluster);
  assert.equal(figures.reclaimedTombstones, 1);
  const key = objectKey(bucket, 'gone');
  assert.deepEqual(
    nodes.engines.map((engine) => engine.readRow(key)),
    [undefined, undefined, undefined],
  );
  // The one that missed the deletion cannot bring it back.
  assert.equal(await readObject(cluster, bucket, 'behind'), undefined);
  assert.equal(await readObject(cluster, bucket, 'gone'), undefined);
  assert.deepEqual(await count(), { objects: 1, bytes: 5 });
  await putObject(cluster, 'gone', 'again');
  assert.equal((await readObject(cluster, bucket, 'gone'))?.metadata.sizeBytes, 5);
  assert.deepEqual(await count(), { objects: 2, bytes: 10 });
});
