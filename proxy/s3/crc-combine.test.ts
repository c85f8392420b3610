import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { digestsOf } from '#proxy/body/digester.ts';
import { CrcCombiner } from './crc-combine.ts';

test('the sums of two halves combine to the sum of the whole, for every polynomial and length', () => {
  for (const algorithm of ['crc32', 'crc32c', 'crc64nvme'] as const) {
    const combiner = new CrcCombiner(algorithm);
    const sum = (bytes: Buffer) => BigInt(`0x${digestsOf([algorithm], bytes)[algorithm]}`);
    for (const [first, second] of [
      [0, 0],
      [0, 5],
      [5, 0],
      [1, 1],
      [1000, 4097],
      [3, 100_000],
    ] as const) {
      const bytes = randomBytes(first + second);
      const combined = combiner.combine(sum(bytes.subarray(0, first)), sum(bytes.subarray(first)), second);
      assert.equal(combined, sum(bytes), `${algorithm} ${first}+${second}`);
    }
  }
});
