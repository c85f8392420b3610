/** The formats: what is written is read back, and what was damaged is refused and never misread in silence. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { memoryCluster } from '#cluster/memory-cluster.ts';
import { TICKS_PER_MS } from '#common/ballot.ts';
import { recordKey, recordKinds } from '#common/codec/record-key.ts';
import { blobId, spaceId } from '#common/ids.ts';
import { decodeLayout, encodeLayout } from './body-layout.ts';
import { indexShard } from './index-shard.ts';
import {
  asOlderVersion,
  decodeCurrent,
  decodeObject,
  encodeDeleteMarker,
  EncodedObject,
  type ObjectBody,
  olderOf,
  withOlder,
} from './object-record.ts';
import type { ObjectLock } from './object-lock.ts';
import { objectKey } from './object-store.ts';
import { decodeObjectSummary } from './object-summary.ts';
import { decodeOlderVersions, type OlderVersion } from './older-versions.ts';
import { decodePart, encodePart, partName, partNumberOfName } from './part-record.ts';
import { stripeIsReferenced } from './stripe-reference.ts';
import {
  decodeUpload,
  decodeUploadSummary,
  encodeUpload,
  splitUploadName,
  uploadName,
} from './upload-record.ts';
import { uploadKey } from './upload-store.ts';
import { asVersionId, versionIdOf, type VersionStamp } from './version-id.ts';

const ballot = { clock: 0, writer: 0 };
const stripe = (digit: string, lengthBytes: number) => ({ id: blobId(digit.repeat(32)), lengthBytes });

const metadata = {
  etag: '9b2cf535f27731c974343645a3985328',
  sizeBytes: 30,
  headers: { 'content-type': 'text/plain' },
  user: { colour: 'blü' },
  checksum: { algorithm: 'crc32', type: 'FULL_OBJECT', value: 'DUoRhQ==' },
  uploadId: '0'.repeat(32),
} as const;

const bodies: readonly ObjectBody[] = [
  { form: 'inline', bytes: Buffer.alloc(30, 7) },
  {
    form: 'stripes',
    layout: {
      stripes: [stripe('a', 10), stripe('b', 20)],
      parts: [
        { number: 1, sizeBytes: 10 },
        { number: 9, sizeBytes: 20 },
      ],
    },
  },
  { form: 'manifest', manifest: [stripe('c', 1_000_000)] },
];

function stampAt(modifiedMs: number): VersionStamp {
  return {
    id: versionIdOf({ clock: modifiedMs * TICKS_PER_MS, writer: 1 }),
    isNull: true,
    revision: 0,
  };
}

test('an object comes back in every form', () => {
  for (const body of bodies) {
    const modifiedMs = 1_700_000_000_123;
    const version = stampAt(modifiedMs);
    const encoded = new EncodedObject(metadata, body).at(version);
    assert.deepEqual(decodeObject({ ballot, ...encoded }), { metadata, modifiedMs, body, version });
    const { etag, sizeBytes } = metadata;
    const checksum = { algorithm: 'crc32', type: 'FULL_OBJECT' };
    assert.deepEqual(decodeObjectSummary(encoded.summary), {
      isDeleteMarker: false,
      modifiedMs,
      etag,
      sizeBytes,
      checksum,
      contentType: 'text/plain',
      versionId: version.id,
      isNull: true,
      older: Buffer.alloc(0),
    });
  }
});

const locks: readonly (ObjectLock | undefined)[] = [
  undefined,
  { retention: { mode: 'GOVERNANCE', untilMs: 1_900_000_000_000 } },
  { retention: { mode: 'COMPLIANCE', untilMs: 5 }, legalHold: true },
  { legalHold: false },
];

test('versions behind the current one are in the summary as long as they are few', () => {
  const object = new EncodedObject(metadata, { form: 'inline', bytes: Buffer.alloc(30) });
  for (const count of [1, 12, 500]) {
    const older = Array.from({ length: count }, (_, index): OlderVersion => {
      const isDeleteMarker = index % 3 === 2;
      return {
        ...stampAt(1000 - index),
        isNull: index === 4,
        revision: index,
        isDeleteMarker,
        etag: isDeleteMarker ? '' : metadata.etag,
        sizeBytes: index * 1_000_000_000,
        checksum: undefined,
        uploadId: index % 2 === 0 ? undefined : 'ab'.repeat(16),
        lock: locks[index % locks.length],
      };
    });
    const stored = { ballot, ...object.at(stampAt(2000), older) };
    assert.deepEqual(olderOf(stored), older);
    const shown = decodeObjectSummary(stored.summary).older;
    assert.deepEqual(
      shown === undefined ? undefined : decodeOlderVersions(shown),
      count > 12 ? undefined : older,
    );
    const marker = { ballot, ...encodeDeleteMarker(stampAt(2000), older) };
    assert.deepEqual(olderOf(marker), older);
    assert.equal(decodeCurrent(marker), undefined);
    assert.deepEqual(withOlder(marker, []), encodeDeleteMarker(stampAt(2000), []));
    assert.deepEqual(withOlder(stored, []), object.at(stampAt(2000)));
  }
  const many = Array.from({ length: 8193 }, () => ({
    ...asOlderVersion({ ballot, ...object.at(stampAt(1)) }),
  }));
  assert.throws(() => object.at(stampAt(2000), many), { code: 'versions-exceeded' });
});

test('the bytes of an object with a known layout, as docs/formats/object-record.md has them', () => {
  const { summary, content } = new EncodedObject(
    { etag: 'ab', sizeBytes: 1, headers: {}, user: {} },
    { form: 'inline', bytes: Buffer.from('x') },
  ).at({ id: asVersionId('0102030405060708090a0b0c0d0e'), isNull: true, revision: 7 });
  assert.equal(
    summary.toString('hex'),
    '0202010102030405060708090a0b0c0d0e000000000000000102616200000000000000',
  );
  const json = Buffer.from('{"etag":"ab","sizeBytes":1,"headers":{},"user":{}}');
  const head = Buffer.from('0200010102030405060708090a0b0c0d0e00000007000000320000000100000000', 'hex');
  assert.deepEqual(content, Buffer.concat([head, json, Buffer.from('x')]));
  // The check value of CRC-32 over this text is 0xcbf43926.
  assert.equal(indexShard('123456789', 1000), 0xcbf4_3926 % 1000);
});

test('a record that was cut or changed is refused, or read as what it says', () => {
  for (const body of bodies) {
    const { summary, content } = new EncodedObject(metadata, body).at(stampAt(5));
    for (let length = 0; length < content.length; length++) {
      assert.throws(() => decodeObject({ ballot, summary, content: content.subarray(0, length) }), {
        code: 'format-invalid',
      });
    }
    for (let length = 0; length < summary.length; length++) {
      assert.throws(() => decodeObjectSummary(summary.subarray(0, length)), { code: 'format-invalid' });
    }
    fc.assert(
      fc.property(fc.nat(content.length - 1), fc.nat(255), (at, byte) => {
        const changed = Buffer.from(content);
        changed[at] = byte;
        try {
          decodeObject({ ballot, summary, content: changed });
        } catch (error) {
          assert.ok(
            error instanceof Error && 'code' in error && error.code === 'format-invalid',
            String(error),
          );
        }
      }),
    );
  }
});

test('layouts must add up, and their parts rise', () => {
  const stripes = [stripe('a', 10)];
  assert.deepEqual(decodeLayout(encodeLayout({ stripes, parts: [] }), 10), { stripes, parts: [] });
  assert.throws(() => decodeLayout(encodeLayout({ stripes, parts: [] }), 11), { code: 'format-invalid' });
  const part = { number: 2, sizeBytes: 5 };
  assert.throws(() => decodeLayout(encodeLayout({ stripes, parts: [part, part] }), 10), {
    code: 'format-invalid',
  });
  assert.throws(() => decodeLayout(encodeLayout({ stripes, parts: [part] }), 10), { code: 'format-invalid' });
});

test('uploads and parts come back; a part of many stripes keeps them out of its summary', () => {
  const upload = {
    initiatedMs: 5,
    headers: {},
    user: { a: 'b' },
    checksum: { algorithm: 'sha256', type: 'COMPOSITE' },
    completion: { id: 'x', startedMs: 7 },
  } as const;
  const encoded = encodeUpload(upload);
  assert.deepEqual(decodeUpload(encoded.content), upload);
  assert.deepEqual(decodeUploadSummary(encoded.summary), {
    initiatedMs: 5,
    completing: true,
    owner: undefined,
  });
  const uploadId = 'f'.repeat(32);
  assert.deepEqual(splitUploadName(uploadName('a/b', uploadId)), { key: 'a/b', uploadId });
  assert.equal(partNumberOfName(partName(uploadId, 10_000)), 10_000);
  for (const count of [0, 2, 500]) {
    const stripes = Array.from({ length: count }, () => stripe('d', 3));
    const checksum = { algorithm: 'crc32', value: 'DUoRhQ==' } as const;
    const part = { modifiedMs: 5, sizeBytes: 3 * count, md5Hex: '0'.repeat(32), checksum, stripes };
    const { summary, content } = encodePart(part);
    assert.deepEqual(decodePart(content), part);
    assert.deepEqual(decodePart(summary), count === 500 ? { ...part, stripes: undefined } : part);
    assert.ok(summary.length <= 4096);
  }
});

test('the sweep learns which stripes are referred to', async () => {
  const cluster = memoryCluster({ nowMs: () => 0 });
  const bucket = { bucketId: spaceId('e'.repeat(32)), shards: 3 };
  const uploadId = '0'.repeat(32);
  const [first, other] = [stripe('a', 30), stripe('b', 30)];
  const asObject = objectKey(bucket, 'key');
  const asUpload = uploadKey(bucket, 'key', uploadId);
  const ask = async (): Promise<boolean[]> =>
    Promise.all([
      stripeIsReferenced(cluster, asObject, first.id),
      stripeIsReferenced(cluster, asUpload, first.id),
      stripeIsReferenced(cluster, asUpload, other.id),
    ]);
  assert.deepEqual(await ask(), [false, false, false]);
  const write = (key: typeof asObject, bytes: { summary: Buffer; content: Buffer }) =>
    cluster.records.mutate(key, () => ({ action: 'write', ...bytes, result: undefined }));
  await write(asUpload, encodeUpload({ initiatedMs: 0, headers: {}, user: {} }));
  assert.deepEqual(await ask(), [false, true, true], 'while the upload is open, all of its parts are');
  const layout = { stripes: [first], parts: [] };
  await write(asObject, new EncodedObject(metadata, { form: 'stripes', layout }).at(stampAt(0)));
  await cluster.records.mutate(asUpload, () => ({ action: 'remove', result: undefined }));
  assert.deepEqual(await ask(), [true, true, false], 'then only what the object took over');
  const replaced = { ...metadata, uploadId: '1'.repeat(32) };
  await write(asObject, new EncodedObject(replaced, { form: 'stripes', layout }).at(stampAt(0)));
  assert.deepEqual(await ask(), [true, false, false]);
  const unknown = recordKey(bucket.bucketId, recordKinds.bucket, 0, 'x');
  assert.equal(await stripeIsReferenced(cluster, unknown, first.id), true, 'in doubt, a stripe is kept');
});
