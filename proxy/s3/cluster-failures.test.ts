/** What a client is told when the cluster below fails. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { Cluster } from '#cluster/cluster.ts';
import { memoryCluster } from '#cluster/memory-cluster.ts';
import { recordKinds } from '#common/codec/record-key.ts';
import { type ErrorCode, HoldfastError } from '#common/errors.ts';
import { openTestBed, texts } from './s3-test-bed.ts';

interface Failing {
  code: ErrorCode | undefined;
}

/** Fails every step on an object, while `failing` says so; buckets stay readable. */
function failingCluster(failing: Failing): Cluster {
  const cluster = memoryCluster({ nowMs: () => Date.now(), stripeBytes: 100_000 });
  const check = (kind: number | undefined) => {
    if (failing.code !== undefined && kind === recordKinds.object) throw new HoldfastError(failing.code);
  };
  return {
    listings: cluster.listings,
    records: {
      read: async (key) => {
        check(key[16]);
        return cluster.records.read(key);
      },
      mutate: async (key, decide) => {
        check(key[16]);
        return cluster.records.mutate(key, decide);
      },
    },
    bodies: {
      write: (owner) => cluster.bodies.write(owner),
      release: (stripes) => cluster.bodies.release(stripes),
      read: async (stripes, start, end, sink, signal) => {
        await cluster.bodies.read(stripes, start, Math.min(end, 150_000), sink, signal);
        if (end > 150_000) throw new HoldfastError('data-corrupt');
      },
    },
  };
}

test('each failure has its code, and what may pass is told to come again', async () => {
  const failing: Failing = { code: undefined };
  await using bed = await openTestBed({ cluster: failingCluster(failing) });
  await bed.send({ method: 'PUT', path: '/box' });
  for (const [code, expected, status] of [
    ['quorum-unavailable', 'ServiceUnavailable', 503],
    ['outcome-unknown', 'ServiceUnavailable', 503],
    ['device-full', 'ServiceUnavailable', 503],
    ['overloaded', 'SlowDown', 503],
    ['data-corrupt', 'InternalError', 500],
    ['format-invalid', 'InternalError', 500],
  ] as const) {
    failing.code = code;
    for (const sent of [
      { method: 'GET', path: '/box/key' },
      { method: 'PUT', path: '/box/key', body: 'x' },
      { method: 'DELETE', path: '/box/key' },
    ]) {
      const answer = await bed.send(sent);
      assert.deepEqual([answer.code, answer.status], [expected, status]);
      assert.equal(answer.headers['retry-after'], status === 503 ? '1' : undefined);
      assert.doesNotMatch(answer.text, /replica|checksum|device/, 'nothing of the inside is shown');
    }
  }
  assert.equal(bed.complaints.length, 18, 'and each is logged once');
});

test('an object that turns out to be broken in mid-answer breaks the connection, and is never cut short in silence', async () => {
  const failing: Failing = { code: undefined };
  await using bed = await openTestBed({ cluster: failingCluster(failing) });
  await bed.send({ method: 'PUT', path: '/box' });
  const body = randomBytes(300_000);
  await bed.send({ method: 'PUT', path: '/box/key', body });
  await assert.rejects(bed.send({ method: 'GET', path: '/box/key' }));
  const good = await bed.send({ method: 'GET', path: '/box/key', headers: { Range: 'bytes=0-149999' } });
  assert.ok(good.body.equals(body.subarray(0, 150_000)));
  assert.deepEqual(texts((await bed.send({ method: 'GET', path: '/box' })).xml, 'Key'), ['key']);
});
