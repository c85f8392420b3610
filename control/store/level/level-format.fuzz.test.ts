/** Whatever a disk, or another program in the same etcd, gives back: what was written is read, and the rest is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HoldfastError } from '#common/errors.ts';
import { anyBytes, fuzz } from '#common/fuzz.fixture.ts';
import { readResource, resourceKey } from '../../registry/resource.ts';
import { readTargetMark } from '../migration/migration-mark.ts';
import type { LeaseId } from '../store.ts';
import {
  leaseKey,
  leaseValue,
  readLeaseKey,
  readLeaseValue,
  readStateValue,
  readVersionKey,
  readVersionValue,
  stateValue,
  versionKey,
  versionValue,
} from './level-format.ts';

const anyKey = fc.string({
  unit: fc.constantFrom('!', '/', '~', 'a', 'Z', '0', '%'),
  minLength: 1,
  maxLength: 40,
});
const anyRevision = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const anyLease = fc.option(
  fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }).map((id) => id.toString() as LeaseId),
  { nil: undefined },
);

function refuses(read: () => unknown): void {
  assert.throws(read, (error) => error instanceof HoldfastError);
}

test('a version is read as it was written, under its own key only, and no flipped bit is missed', (t) => {
  fuzz(
    t,
    fc.property(
      anyKey,
      anyRevision,
      anyRevision,
      anyLease,
      anyBytes(200),
      fc.nat(),
      (key, one, other, lease, value, at) => {
        const [createRevision, revision] = [Math.min(one, other), Math.max(one, other)];
        const version = { revision, createRevision, version: other, lease, value };
        const levelKey = versionKey(key, revision);
        assert.deepEqual(readVersionKey(levelKey), { key, revision });
        const bytes = versionValue(levelKey, version);
        assert.deepEqual(readVersionValue(levelKey, revision, bytes), version);
        refuses(() => readVersionValue(versionKey(`${key}x`, revision), revision, bytes));
        const flipped = Buffer.from(bytes);
        flipped[at % bytes.length] = (flipped[at % bytes.length] ?? 0) ^ (1 << (at % 8));
        refuses(() => readVersionValue(levelKey, revision, flipped));
        refuses(() => readVersionValue(levelKey, revision, bytes.subarray(0, at % bytes.length)));
      },
    ),
  );
});

test('the state and the leases are read as they were written', (t) => {
  fuzz(
    t,
    fc.property(
      anyRevision,
      anyRevision,
      anyLease,
      fc.integer({ min: 1, max: 1_000_000 }),
      (one, other, id, ttl) => {
        const state = { revision: Math.max(one, other), compactedRevision: Math.min(one, other) };
        assert.deepEqual(readStateValue(stateValue(state)), state);
        if (id === undefined) return;
        const key = leaseKey(id);
        assert.equal(readLeaseKey(key), id);
        assert.equal(readLeaseValue(key, leaseValue(key, ttl)), ttl);
      },
    ),
  );
});

test('any bytes are refused in our own words, wherever they stand', (t) => {
  fuzz(
    t,
    fc.property(anyBytes(60), (bytes) => {
      refuses(() => readVersionValue(bytes, 9, bytes));
      refuses(() => readStateValue(bytes));
      refuses(() => readLeaseValue(bytes, bytes));
      const entry = { value: bytes, createRevision: 1, modRevision: 1, version: 1, lease: undefined };
      refuses(() => readResource({ ...entry, key: resourceKey('volume', 'v') }));
      refuses(() => readTargetMark({ ...entry, key: 'migration/target' }));
    }),
  );
});
