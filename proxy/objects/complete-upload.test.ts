/** Completions that die at every step, and what races with them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cluster } from '#cluster/cluster.ts';
import { type MemoryCluster, memoryCluster } from '#cluster/memory-cluster.ts';
import { recordKinds } from '#common/codec/record-key.ts';
import { HoldfastError } from '#common/errors.ts';
import { spaceId } from '#common/ids.ts';
import { ManualClock } from '#common/io/manual-clock.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import { abortUpload } from './abort-upload.ts';
import type { WriteLease } from './bucket-access.ts';
import { completeUpload } from './complete-upload.ts';
import { COMPLETION_TAKEOVER_MS, decodeUpload, encodeUpload } from './upload-record.ts';
import { readLayout } from './object-body.ts';
import { readObject, removeObject } from './object-store.ts';
import { createUpload, uploadKey, writePart } from './upload-store.ts';

const bucket = { bucketId: spaceId('e'.repeat(32)), shards: 3 };
const address = { account: bucket.bucketId, name: 'bucket' };
const lease: WriteLease = {
  bucket,
  address,
  isValid: () => true,
  renew: async () => {},
  confirm: async () => {},
};
const uploadId = '0'.repeat(32);
const randomness = realRandomness();

async function sendPart(cluster: Cluster, number: number, text: string): Promise<boolean> {
  const writer = cluster.bodies.write(uploadKey(bucket, 'key', uploadId));
  await writer.write(Buffer.from(text));
  const stripes = await writer.finish();
  const md5Hex = String(number).repeat(32);
  const part = { number, md5Hex, sizeBytes: text.length, checksum: undefined, stripes };
  return (await writePart(cluster, lease, 'key', uploadId, part)).open;
}

async function openUpload(): Promise<{ cluster: MemoryCluster; clock: ManualClock }> {
  const clock = new ManualClock();
  const cluster = memoryCluster({ nowMs: () => clock.nowMs() });
  await createUpload(cluster, lease, 'key', uploadId, { initiatedMs: 0, headers: {}, user: {} });
  await sendPart(cluster, 1, 'one');
  await sendPart(cluster, 2, 'two');
  return { cluster, clock };
}

function complete(cluster: Cluster, clock: ManualClock) {
  return completeUpload({ cluster, clock, randomness }, lease, {
    key: 'key',
    uploadId,
    choose: (_upload, parts) => ({ parts, checksum: undefined }),
  });
}

/** Fails from mutation number `steps` on; the one that fails first takes effect nevertheless when `late`. */
function dying(cluster: Cluster, steps: number, late: boolean): Cluster {
  let left = steps;
  return {
    ...cluster,
    records: {
      read: (key) => cluster.records.read(key),
      mutate: async (key, decide) => {
        left -= 1;
        if (left >= 0) return cluster.records.mutate(key, decide);
        if (left === -1 && late) await cluster.records.mutate(key, decide);
        throw new HoldfastError('quorum-unavailable');
      },
    },
  };
}

async function bodyOf(cluster: Cluster): Promise<string | undefined> {
  const object = await readObject(cluster, bucket, 'key');
  if (object === undefined) return undefined;
  const { stripes } = await readLayout(cluster.bodies, object);
  const chunks: Buffer[] = [];
  await cluster.bodies.read(
    stripes,
    0,
    object.metadata.sizeBytes,
    async (chunk) => void chunks.push(Buffer.from(chunk)),
  );
  return Buffer.concat(chunks).toString();
}

test('wherever a completion dies, a repeat finishes it, and nothing is left over', async () => {
  for (let steps = 0; steps < 6; steps++) {
    for (const late of [false, true]) {
      const { cluster, clock } = await openUpload();
      const first = await complete(dying(cluster, steps, late), clock).catch((error: unknown) => {
        assert.ok(error instanceof HoldfastError);
        return undefined;
      });
      if (first?.outcome === 'done')
        assert.equal(await bodyOf(cluster), 'onetwo', 'what was acknowledged is there');
      clock.advance(COMPLETION_TAKEOVER_MS);
      assert.equal((await complete(cluster, clock)).outcome, 'done', `died at ${steps}, late ${late}`);
      assert.equal(await bodyOf(cluster), 'onetwo');
      assert.equal(cluster.recordCount, 1, 'only the object is left');
      assert.equal(cluster.stripeCount, 2);
    }
  }
});

test('an object whose completion died is deleted for good', async () => {
  for (let steps = 1; steps < 6; steps++) {
    const { cluster, clock } = await openUpload();
    await complete(dying(cluster, steps, true), clock).catch(() => undefined);
    clock.advance(COMPLETION_TAKEOVER_MS);
    if ((await bodyOf(cluster)) === undefined) continue;
    await removeObject(cluster, lease, 'key');
    assert.equal((await complete(cluster, clock)).outcome, 'no-upload', `died at ${steps}`);
    assert.equal(await bodyOf(cluster), undefined);
  }
});

test('a deletion beside a repeated completion keeps the stripes that this may make an object of', async () => {
  const { cluster, clock } = await openUpload();
  // The object is there, and the upload's record is left.
  await complete(dying(cluster, 2, true), clock).catch(() => undefined);
  assert.equal(await bodyOf(cluster), 'onetwo');
  clock.advance(COMPLETION_TAKEOVER_MS);
  // The repeat has closed the upload again; the deletion's release comes behind that.
  const upload = uploadKey(bucket, 'key', uploadId);
  await cluster.records.mutate(upload, (current) => {
    const record = decodeUpload(current?.content ?? assert.fail('the upload is gone'));
    const closed = { ...record, completion: { id: 'b'.repeat(32), startedMs: clock.nowMs() } };
    return { action: 'write', ...encodeUpload(closed), result: undefined };
  });
  await removeObject(cluster, lease, 'key');
  assert.equal(cluster.stripeCount, 2);
  assert.notEqual(await cluster.records.read(upload), undefined);
});

test('while a completion is under way nobody else completes, aborts or adds', async () => {
  const { cluster, clock } = await openUpload();
  const seen: string[] = [];
  const meddling: Cluster = {
    ...cluster,
    records: {
      read: (key) => cluster.records.read(key),
      mutate: async (key, decide) => {
        if (key[16] === recordKinds.object) {
          seen.push((await complete(cluster, clock)).outcome);
          seen.push(await abortUpload(cluster, bucket, 'key', uploadId, clock.nowMs()));
          seen.push(String(await sendPart(cluster, 1, 'another')));
        }
        return cluster.records.mutate(key, decide);
      },
    },
  };
  assert.equal((await complete(meddling, clock)).outcome, 'done');
  assert.deepEqual(seen, ['busy', 'completing', 'false']);
  assert.equal(await bodyOf(cluster), 'onetwo', 'the part that came late has not taken its stripes away');
});

test('one that took too long gives up, and does not write under another', async () => {
  const { cluster, clock } = await openUpload();
  const slow: Cluster = {
    ...cluster,
    records: {
      read: (key) => cluster.records.read(key),
      mutate: async (key, decide) => {
        if (key[16] === recordKinds.object) {
          clock.advance(COMPLETION_TAKEOVER_MS);
          assert.equal((await complete(cluster, clock)).outcome, 'done');
          await removeObject(cluster, lease, 'key');
        }
        return cluster.records.mutate(key, decide);
      },
    },
  };
  await assert.rejects(complete(slow, clock), { code: 'outcome-unknown' });
  assert.equal(await bodyOf(cluster), undefined, 'what was deleted has not come back');
});

test('giving up an upload whose object is there keeps the object', async () => {
  const { cluster, clock } = await openUpload();
  await complete(dying(cluster, 2, false), clock).catch(() => undefined);
  assert.equal(await bodyOf(cluster), 'onetwo');
  assert.equal(await abortUpload(cluster, bucket, 'key', uploadId, clock.nowMs()), 'completing');
  clock.advance(COMPLETION_TAKEOVER_MS);
  assert.equal(await abortUpload(cluster, bucket, 'key', uploadId, clock.nowMs()), 'done');
  assert.equal(await bodyOf(cluster), 'onetwo');
});
