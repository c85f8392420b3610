/** Clients that write, remove and change the versions of one key at once, their steps in any order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Cluster, Records } from '#cluster/cluster.ts';
import { type MemoryCluster, memoryCluster } from '#cluster/memory-cluster.ts';
import { spaceId } from '#common/ids.ts';
import type { WriteLease } from './bucket-access.ts';
import { changeVersion } from './change-version.ts';
import { listVersions } from './list-versions.ts';
import { EncodedObject, type ObjectMetadata } from './object-record.ts';
import { removeObject, writeObject } from './object-store.ts';
import { readVersion, removeVersion } from './object-versions.ts';
import { asVersionId } from './version-id.ts';

const bucket = { bucketId: spaceId('e'.repeat(32)), shards: 2, versioning: 'enabled' } as const;
const address = { account: bucket.bucketId, name: 'bucket' };
const lease: WriteLease = {
  bucket,
  address,
  isValid: () => true,
  renew: async () => {},
  confirm: async () => {},
};
const everything = {
  prefix: '',
  delimiter: '',
  after: { key: '', version: undefined },
  limit: 1000,
} as const;

/** A cluster whose answers come out of order: each record's step waits for a number of turns that `turns` draws. */
function shuffled(cluster: Cluster, turns: () => number): Cluster {
  const wait = async () => {
    for (let left = turns(); left > 0; left--) await Promise.resolve();
  };
  const records: Records = {
    read: async (key) => {
      await wait();
      const found = await cluster.records.read(key);
      await wait();
      return found;
    },
    mutate: async (key, decide) => {
      await wait();
      const result = await cluster.records.mutate(key, decide);
      await wait();
      return result;
    },
  };
  return { ...cluster, records };
}

test('writers, removers and changers of one key at once lose nothing and leave nothing over', async () => {
  const kinds = fc.constantFrom('put', 'put', 'delete', 'remove', 'change');
  const operations = fc.array(fc.tuple(kinds, fc.nat(5)), { minLength: 10, maxLength: 60, size: 'max' });
  await fc.assert(
    fc.asyncProperty(operations, fc.integer({ min: 1 }), async (taken, seed) => {
      const whole = memoryCluster({ nowMs: () => 1_700_000_000_000 });
      let state = seed;
      const cluster = shuffled(whole, () => {
        state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
        return (state >> 16) % 24;
      });
      await new Crowd(whole, cluster).take(taken);
    }),
    { numRuns: 80 },
  );
});

/** Several clients at once, and what must be there when all of them have their answers. */
class Crowd {
  readonly #whole: MemoryCluster;
  readonly #cluster: Cluster;
  readonly #living = new Set<string>();
  readonly #colours = new Map<string, string>();
  #markers = 0;

  constructor(whole: MemoryCluster, cluster: Cluster) {
    this.#whole = whole;
    this.#cluster = cluster;
  }

  async take(taken: readonly (readonly [string, number])[]): Promise<void> {
    for (let at = 0; at < taken.length; at += 6) {
      const known = [...this.#living].sort();
      const victims = new Set<string>();
      await Promise.all(
        taken.slice(at, at + 6).map(async ([kind, pick]) => {
          const versionId = known.at(-1 - pick);
          if (kind === 'put') return await this.#put();
          if (kind === 'delete') return await this.#delete();
          if (versionId === undefined || victims.has(versionId)) return;
          // Of each version one client at a time: then what it is told is what must be.
          victims.add(versionId);
          if (kind === 'remove') await this.#remove(versionId);
          else await this.#change(versionId, `colour ${at} ${pick}`);
        }),
      );
      await this.#check();
    }
  }

  async #put(): Promise<void> {
    const body = { form: 'inline', bytes: Buffer.from('x') } as const;
    const object = new EncodedObject({ etag: 'e', sizeBytes: 1, headers: {}, user: {} }, body);
    const written = await writeObject(this.#cluster, lease, 'k', object);
    assert.ok(written.outcome === 'done');
    this.#living.add(written.versionId ?? '');
  }

  async #delete(): Promise<void> {
    await removeObject(this.#cluster, lease, 'k');
    this.#markers++;
  }

  async #remove(versionId: string): Promise<void> {
    const removal = await removeVersion(this.#cluster, lease, 'k', asVersionId(versionId));
    assert.ok(removal !== 'locked' && removal.removed !== undefined);
    this.#living.delete(versionId);
  }

  async #change(versionId: string, colour: string): Promise<void> {
    const change = (metadata: ObjectMetadata) => ({ ...metadata, user: { colour } });
    const changed = await changeVersion(this.#cluster, lease, 'k', asVersionId(versionId), change);
    assert.ok(changed?.type === 'object');
    this.#colours.set(versionId, colour);
  }

  async #check(): Promise<void> {
    const cluster = this.#whole;
    const { versions } = await listVersions(cluster, bucket, everything);
    const objects = versions.filter((version) => !version.isDeleteMarker).map(({ id }) => String(id));
    assert.deepEqual(objects.sort(), [...this.#living].sort());
    assert.equal(versions.length, objects.length + this.#markers);
    for (const id of objects) {
      const found = await readVersion(cluster, bucket, 'k', asVersionId(id));
      assert.ok(found?.type === 'object');
      assert.equal(found.record.metadata.user['colour'], this.#colours.get(id));
    }
    // A version that has become current again keeps the record that it had.
    const isCurrent = versions[0]?.isDeleteMarker === false;
    const saved = objects.length - (isCurrent ? 1 : 0);
    const records = versions.length === 0 ? 0 : 1 + saved;
    const { recordCount } = cluster;
    assert.ok(
      recordCount === records || (isCurrent && recordCount === records + 1),
      `${recordCount} of ${records}`,
    );
  }
}
