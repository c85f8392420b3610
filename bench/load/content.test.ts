import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { deflateSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { BLOCK_BYTES, type ContentKey, ContentSource, generationBuffer } from './content.ts';
import { ContentChecker } from './content-checker.ts';
import { contentDigest } from './content-digest.ts';
import { RandomSequence } from './random-sequence.ts';

const source = new ContentSource('a seed');

function contentOf(key: ContentKey, position: number, lengthBytes: number, from = source): Buffer {
  const buffer = generationBuffer(lengthBytes);
  from.generate(buffer.words, 0, key, position, lengthBytes);
  return buffer.bytes.subarray(0, lengthBytes);
}

function pieces(body: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [0, ...cuts.map((cut) => cut % (body.length + 1)).toSorted((a, b) => a - b), body.length];
  return at.slice(1).map((end, index) => body.subarray(at[index], end));
}

test('content follows from the seed and the object alone, from whatever position it is asked for', () => {
  const key = { family: 3, index: 17 };
  const whole = contentOf(key, 0, 5 * BLOCK_BYTES + 123);
  const again = contentOf(key, 0, 5 * BLOCK_BYTES + 123, new ContentSource('a seed'));
  const tail = contentOf(key, 2 * BLOCK_BYTES, 3 * BLOCK_BYTES + 123);
  assert.deepEqual(again, whole);
  assert.deepEqual(tail, whole.subarray(2 * BLOCK_BYTES));
  assert.notDeepEqual(contentOf(key, 0, 4096, new ContentSource('another')), whole.subarray(0, 4096));
});

test('no two 4 KiB pieces of any objects are the same, so nothing can be stored once for two', () => {
  const seen = new Set<string>();
  let count = 0;
  for (let family = 0; family < 3; family++)
    for (let index = 0; index < 40; index++) {
      const body = contentOf({ family, index }, 0, 2 * BLOCK_BYTES);
      for (let at = 0; at < body.length; at += 4096) {
        seen.add(hash('md5', body.subarray(at, at + 4096), 'hex'));
        count++;
      }
    }
  assert.equal(seen.size, count);
});

test('no compressor finds anything in one object or over many', () => {
  const objects = Array.from({ length: 64 }, (_, index) => contentOf({ family: 1, index }, 0, BLOCK_BYTES));
  const together = Buffer.concat([...objects, contentOf({ family: 2, index: 0 }, 0, 4 * 2 ** 20)]);
  assert.ok(zstdCompressSync(together).length > together.length * 0.999);
  assert.ok(deflateSync(together).length > together.length * 0.999);
});

test('the checker accepts a body in any pieces, and finds any one changed byte', () => {
  const key = { family: 0, index: 5 };
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3 * BLOCK_BYTES }),
      fc.nat({ max: 3 * BLOCK_BYTES }),
      fc.array(fc.nat(), { maxLength: 6 }),
      fc.nat(),
      (length, startWanted, cuts, flipWanted) => {
        const size = 4 * BLOCK_BYTES;
        const start = Math.min(startWanted, size - length);
        const checker = new ContentChecker(source, new RandomSequence(1), 1, size);
        const body = Buffer.from(contentOf(key, 0, size).subarray(start, start + length));
        checker.begin(key, start, start + length);
        for (const piece of pieces(body, cuts)) checker.take(piece, 0, piece.length);
        assert.equal(checker.verdict(), undefined);
        assert.equal(checker.checkedBytes, length);

        const flip = flipWanted % length;
        body[flip]! ^= 1;
        checker.begin(key, start, start + length);
        for (const piece of pieces(body, cuts)) checker.take(piece, 0, piece.length);
        assert.equal(checker.verdict()?.kind, 'content-mismatch');
      },
    ),
    { numRuns: 60 },
  );
});

test('a body that is too short or too long is told from one that differs', () => {
  const key = { family: 0, index: 1 };
  const body = contentOf(key, 0, 1000);
  for (const [announced, kind] of [
    [999, 'length-mismatch'],
    [1001, 'length-mismatch'],
  ] as const) {
    const checker = new ContentChecker(source, new RandomSequence(1), 1, 2000);
    checker.begin(key, 0, announced);
    checker.take(body, 0, body.length);
    assert.equal(checker.verdict()?.kind, kind);
  }
});

test('a sampled check reads the first block and about the share of the others that was asked for', () => {
  const blocks = 400;
  const key = { family: 9, index: 9 };
  const body = contentOf(key, 0, blocks * BLOCK_BYTES);
  const checker = new ContentChecker(source, new RandomSequence(7), 0.25, body.length);
  checker.begin(key, 0, body.length);
  checker.take(body, 0, body.length);
  assert.equal(checker.verdict(), undefined);
  const share = checker.checkedBytes / body.length;
  assert.ok(share > 0.15 && share < 0.35, `compared ${share}`);
  const other = contentOf({ family: 9, index: 8 }, 0, BLOCK_BYTES);
  checker.begin(key, 0, body.length);
  checker.take(other, 0, other.length);
  checker.take(body, other.length, body.length);
  assert.equal(checker.verdict()?.kind, 'content-mismatch');
});

test('digests of large and small objects are those of their bytes', async () => {
  const key = { family: 2, index: 3 };
  for (const length of [10, BLOCK_BYTES, 3 * 2 ** 20 + 7]) {
    const body = contentOf(key, BLOCK_BYTES, length);
    assert.equal(await contentDigest('md5', source, key, BLOCK_BYTES, length), hash('md5', body, 'hex'));
    assert.equal(
      await contentDigest('sha256', source, key, BLOCK_BYTES, length),
      hash('sha256', body, 'hex'),
    );
  }
});
