import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { connectionShares, proportionalShares } from './shares.ts';

test('connections are spread evenly, and some workers idle when there are too few', () => {
  assert.deepEqual(connectionShares(8, 3), [3, 3, 2]);
  assert.deepEqual(connectionShares(2, 4), [1, 1, 0, 0]);
});

test('whatever is divided adds up, and nobody without a connection gets any', () => {
  fc.assert(
    fc.property(
      fc.nat(100_000),
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 1, max: 64 }),
      (total, connections, workers) => {
        const weights = connectionShares(connections, workers);
        const shares = proportionalShares(total, weights);
        assert.equal(
          weights.reduce((sum, weight) => sum + weight, 0),
          connections,
        );
        assert.equal(
          shares.reduce((sum, share) => sum + share, 0),
          total,
        );
        for (const [worker, share] of shares.entries()) {
          assert.ok(share >= 0);
          if (weights[worker] === 0) assert.equal(share, 0);
        }
      },
    ),
  );
});
