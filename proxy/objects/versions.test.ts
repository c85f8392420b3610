/**
 * Versions against a model: random writes, deletions and toggles of versioning, also by proxies that stop at any step, must
 * leave what a plain list of versions would hold.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Cluster, Records } from '#cluster/cluster.ts';
import { memoryCluster } from '#cluster/memory-cluster.ts';
import { HoldfastError } from '#common/errors.ts';
import { spaceId } from '#common/ids.ts';
import type { BucketPlace, WriteLease } from './bucket-access.ts';
import { changeVersion } from './change-version.ts';
import { emptyUploads } from './empty-uploads.ts';
import { listObjects } from './list-objects.ts';
import { listVersions } from './list-versions.ts';
import { EncodedObject } from './object-record.ts';
import { objectKey, readObject, removeObject, writeObject } from './object-store.ts';
import { readVersion, removeVersion } from './object-versions.ts';
import { stripeIsReferenced } from './stripe-reference.ts';
import { NULL_VERSION, parseVersionSelector, type VersionSelector } from './version-id.ts';

type Versioning = BucketPlace['versioning'];

interface ModelVersion {
  readonly versionId: string;
  /** The body; undefined of a delete marker. */
  readonly body: string | undefined;
  readonly colour: string;
}

/** What S3 describes, without any of the steps that make it. */
class Model {
  readonly keys = new Map<string, ModelVersion[]>();

  versions(key: string): ModelVersion[] {
    return this.keys.get(key) ?? [];
  }

  add(key: string, version: ModelVersion, versioning: Versioning): void {
    const kept = this.versions(key).filter(
      ({ versionId }) => versioning === 'enabled' || versionId !== NULL_VERSION,
    );
    this.keys.set(key, [version, ...kept]);
  }

  remove(key: string, selector: string): void {
    this.keys.set(
      key,
      this.versions(key).filter(({ versionId }) => versionId !== selector),
    );
  }

  /** All versions as a listing has them. */
  listed(): string[] {
    return [...this.keys]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([key, versions]) =>
        versions.map(({ versionId, body }) => `${key} ${versionId} ${body ?? 'deleted'}`),
      );
  }

  current(): string[] {
    return [...this.keys].flatMap(([key, [first]]) => (first?.body === undefined ? [] : [key])).sort();
  }
}

class Crash extends Error {}

/** A cluster whose owner stops before or behind its n-th change of a record. */
function stoppingAfter(cluster: Cluster, changes: number): Cluster {
  let left = changes;
  const records: Records = {
    read: (key) => cluster.records.read(key),
    mutate: async (key, decide) => {
      if (left-- <= 0) throw new Crash();
      const result = await cluster.records.mutate(key, decide);
      if (left-- <= 0) throw new Crash();
      return result;
    },
  };
  return { ...cluster, records };
}

const keys = ['a', 'b/1', 'b/2'] as const;
const step = fc.record({
  kind: fc.constantFrom('put', 'put', 'put', 'delete', 'remove', 'remove', 'change', 'toggle'),
  key: fc.constantFrom(...keys),
  large: fc.boolean(),
  pick: fc.nat(5),
  crashAfter: fc.option(fc.nat(8), { freq: 3, nil: undefined }),
});
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

class Run {
  readonly cluster = memoryCluster({ nowMs: () => 1_700_000_000_000, stripeBytes: 10 });
  readonly model = new Model();
  versioning: Versioning;
  #written = 0;

  get bucket(): BucketPlace {
    const place = { bucketId: spaceId('e'.repeat(32)), shards: 2 };
    return this.versioning === undefined ? place : { ...place, versioning: this.versioning };
  }

  get lease(): WriteLease {
    const address = { account: this.bucket.bucketId, name: 'bucket' };
    return {
      bucket: this.bucket,
      address,
      isValid: () => true,
      renew: async () => {},
      confirm: async () => {},
    };
  }

  async take(taken: Step): Promise<void> {
    const { kind, key, crashAfter } = taken;
    if (kind === 'toggle') {
      this.versioning = this.versioning === 'enabled' ? 'suspended' : 'enabled';
      return;
    }
    const cluster = crashAfter === undefined ? this.cluster : stoppingAfter(this.cluster, crashAfter);
    const before = this.model.versions(key);
    const text = `body ${this.#written++} of ${key}, long enough for stripes`;
    try {
      if (kind === 'put') await this.#put(cluster, key, text, taken.large);
      else if (kind === 'delete') await this.#delete(cluster, key);
      else if (kind === 'remove')
        await this.#remove(cluster, key, before[taken.pick]?.versionId ?? NULL_VERSION);
      else await this.#change(cluster, key, before[taken.pick]?.versionId ?? NULL_VERSION, text);
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      await this.#settle(kind, key, before, text, taken.pick);
    }
  }

  async #put(cluster: Cluster, key: string, text: string, large: boolean): Promise<void> {
    const { cluster: whole, lease } = this;
    const bytes = Buffer.from(text);
    const metadata = { etag: 'e', sizeBytes: bytes.length, headers: {}, user: { colour: '' } };
    const writer = whole.bodies.write(objectKey(lease.bucket, key));
    if (large) await writer.write(bytes);
    const stripes = await writer.finish();
    const body = large
      ? ({ form: 'stripes', layout: { stripes, parts: [] } } as const)
      : ({ form: 'inline', bytes } as const);
    const written = await writeObject(cluster, lease, key, new EncodedObject(metadata, body));
    assert.ok(written.outcome === 'done');
    const versionId = written.versionId ?? NULL_VERSION;
    this.model.add(key, { versionId, body: text, colour: '' }, this.versioning);
  }

  async #delete(cluster: Cluster, key: string): Promise<void> {
    const removed = await removeObject(cluster, this.lease, key);
    assert.ok(removed.outcome === 'done');
    if (this.versioning === undefined) return this.model.remove(key, NULL_VERSION);
    const versionId = removed.versionId ?? '';
    this.model.add(key, { versionId, body: undefined, colour: '' }, this.versioning);
  }

  async #remove(cluster: Cluster, key: string, versionId: string): Promise<void> {
    await removeVersion(cluster, this.lease, key, selectorOf(versionId));
    this.model.remove(key, versionId);
  }

  async #change(cluster: Cluster, key: string, versionId: string, colour: string): Promise<void> {
    await changeVersion(cluster, this.lease, key, selectorOf(versionId), (metadata) => ({
      ...metadata,
      user: { colour },
    }));
    const changed = this.model
      .versions(key)
      .map((version) =>
        version.versionId === versionId && version.body !== undefined ? { ...version, colour } : version,
      );
    this.model.keys.set(key, changed);
  }

  /** What was under way when a proxy stopped is done or not done, and nothing in between. */
  async #settle(
    kind: string,
    key: string,
    before: readonly ModelVersion[],
    text: string,
    pick: number,
  ): Promise<void> {
    const page = await listVersions(this.cluster, this.bucket, everything);
    const found = page.versions.filter((version) => version.key === key);
    const [newest] = found;
    if (kind === 'put' || kind === 'delete') {
      const body =
        newest === undefined || newest.isDeleteMarker ? undefined : await this.#bodyOf(key, undefined);
      const isNew = kind === 'put' ? body === text : newest !== undefined && newest.isDeleteMarker;
      const versionId = newest === undefined ? '' : newest.isNull ? NULL_VERSION : newest.id;
      if (kind === 'delete' && this.versioning === undefined && newest === undefined)
        this.model.remove(key, NULL_VERSION);
      else if (
        isNew &&
        (kind === 'put' || versionId !== before[0]?.versionId || before[0]?.body !== undefined)
      )
        this.model.add(
          key,
          { versionId, body: kind === 'put' ? text : undefined, colour: '' },
          this.versioning,
        );
      return;
    }
    const versionId = before[pick]?.versionId ?? NULL_VERSION;
    const selector = selectorOf(versionId);
    const left = await readVersion(this.cluster, this.bucket, key, selector);
    if (kind === 'remove' && left === undefined) this.model.remove(key, versionId);
    if (kind !== 'change' || left?.type !== 'object') return;
    const colour = left.record.metadata.user['colour'] ?? '';
    const versions = before.map((version) =>
      version.versionId === versionId ? { ...version, colour } : version,
    );
    this.model.keys.set(key, versions);
  }

  async #bodyOf(key: string, selector: VersionSelector | undefined): Promise<string | undefined> {
    const found = await readVersion(this.cluster, this.bucket, key, selector);
    if (found?.type !== 'object') return undefined;
    const { body, metadata } = found.record;
    if (body.form === 'inline') return body.bytes.toString();
    assert.ok(body.form === 'stripes');
    const chunks: Buffer[] = [];
    await this.cluster.bodies.read(body.layout.stripes, 0, metadata.sizeBytes, async (chunk) => {
      chunks.push(Buffer.from(chunk));
    });
    for (const { id } of body.layout.stripes) {
      assert.ok(await stripeIsReferenced(this.cluster, objectKey(this.bucket, key), id));
    }
    return Buffer.concat(chunks).toString();
  }

  /** Everything that can be seen is what the model holds. */
  async check(): Promise<void> {
    const { versions } = await listVersions(this.cluster, this.bucket, everything);
    const listed: string[] = [];
    for (const version of versions) {
      const versionId = version.isNull ? NULL_VERSION : version.id;
      const body = await this.#bodyOf(version.key, selectorOf(versionId));
      listed.push(`${version.key} ${versionId} ${body ?? 'deleted'}`);
      const latest = this.model.versions(version.key)[0];
      assert.equal(version.isLatest, latest?.versionId === versionId);
      if (body === undefined) continue;
      const found = await readVersion(this.cluster, this.bucket, version.key, selectorOf(versionId));
      const wanted = this.model.versions(version.key).find((each) => each.versionId === versionId);
      assert.ok(found?.type === 'object');
      assert.equal(found.record.metadata.user['colour'], wanted?.colour);
    }
    assert.deepEqual(listed, this.model.listed());
    for (const key of keys) {
      const current = this.model.versions(key)[0]?.body;
      assert.equal((await readObject(this.cluster, this.bucket, key)) === undefined, current === undefined);
    }
    const plain = await listObjects(this.cluster, this.bucket, {
      prefix: '',
      delimiter: '',
      start: undefined,
      limit: 1000,
    });
    assert.deepEqual(
      plain.objects.map(({ key }) => key),
      this.model.current(),
    );
    const folded = await listObjects(this.cluster, this.bucket, {
      prefix: '',
      delimiter: '/',
      start: undefined,
      limit: 1,
    });
    const names = new Set(this.model.current().map((key) => key.slice(0, 2)));
    assert.equal(folded.objects.length + folded.prefixes.length, Math.min(1, names.size));
    assert.equal(folded.more, names.size > 1);
    await this.#checkPages();
  }

  /** Pages of one entry put together are the listing. */
  async #checkPages(): Promise<void> {
    const paged: string[] = [];
    let after: Parameters<typeof listVersions>[2]['after'] = { key: '', version: undefined };
    for (;;) {
      const page = await listVersions(this.cluster, this.bucket, { ...everything, after, limit: 1 });
      for (const { key, id, isNull } of page.versions) paged.push(`${key} ${isNull ? NULL_VERSION : id}`);
      if (!page.more || page.last === undefined) break;
      after = page.last;
    }
    assert.deepEqual(
      paged,
      this.model.listed().map((entry) => entry.split(' ', 2).join(' ')),
    );
  }
}

const everything = {
  prefix: '',
  delimiter: '',
  after: { key: '', version: undefined },
  limit: 1000,
} as const;

function selectorOf(versionId: string): VersionSelector {
  const selector = parseVersionSelector(versionId);
  if (selector === undefined) throw new HoldfastError('invalid-argument', `${versionId} is no version`);
  return selector;
}

test('whatever is written, deleted, changed or interrupted, the versions are those of a plain list', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (steps) => {
      const run = new Run();
      for (const taken of steps) {
        await run.take(taken);
        await run.check();
      }
    }),
    { numRuns: 60 },
  );
});

test('when every version has been removed, no record and no stripe is left', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30, size: 'max' }), async (steps) => {
      const run = new Run();
      for (const taken of steps) await run.take({ ...taken, crashAfter: undefined });
      for (const key of keys) {
        for (const { versionId } of run.model.versions(key)) {
          await removeVersion(run.cluster, run.lease, key, selectorOf(versionId));
        }
      }
      assert.equal(run.cluster.recordCount, 0);
      assert.equal(run.cluster.stripeCount, 0);
    }),
    { numRuns: 100 },
  );
});

test('writers of one key at the same time each get a version of their own', async () => {
  const run = new Run();
  run.versioning = 'enabled';
  const { cluster, lease } = run;
  const body = { form: 'inline', bytes: Buffer.from('x') } as const;
  const object = new EncodedObject({ etag: 'e', sizeBytes: 1, headers: {}, user: {} }, body);
  const written = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      index % 4 === 3 ? removeObject(cluster, lease, 'k') : writeObject(cluster, lease, 'k', object),
    ),
  );
  const ids = written.map((each) => (each.outcome === 'done' ? each.versionId : undefined));
  const { versions } = await listVersions(cluster, lease.bucket, everything);
  assert.deepEqual(new Set(versions.map(({ id }) => id)), new Set(ids));
  await Promise.all(ids.map((id) => removeVersion(cluster, lease, 'k', selectorOf(id ?? ''))));
  assert.equal(cluster.recordCount, 0);
});

test('copies of versions that a crash left over go with their bucket', async () => {
  const run = new Run();
  run.versioning = 'enabled';
  const body = { form: 'inline', bytes: Buffer.from('x') } as const;
  const object = new EncodedObject({ etag: 'e', sizeBytes: 1, headers: {}, user: {} }, body);
  const first = await writeObject(run.cluster, run.lease, 'k', object);
  await assert.rejects(writeObject(stoppingAfter(run.cluster, 4), run.lease, 'k', object), Crash);
  assert.ok(first.outcome === 'done');
  await removeVersion(run.cluster, run.lease, 'k', selectorOf(first.versionId ?? ''));
  await writeObject(run.cluster, run.lease, 'k', object);
  const { versions } = await listVersions(run.cluster, run.bucket, everything);
  assert.equal(versions.length, 1);
  await removeVersion(run.cluster, run.lease, 'k', versions[0]?.id ?? NULL_VERSION);
  await emptyUploads(run.cluster, run.bucket, { closedMs: Number.MAX_SAFE_INTEGER, nowMs: 0 });
  assert.equal(run.cluster.recordCount, 0);
});
