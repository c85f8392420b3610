import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { hasCode } from '#common/errors.ts';
import { BUFFER_BYTES, BufferPool, type PooledBuffer } from './buffer-pool.ts';
import { Crc64Nvme } from './crc64nvme.ts';
import { DigestPool } from './digest-pool.ts';
import { type DigestAlgorithm, Digester, digestsOf } from './digester.ts';

const ALL: readonly DigestAlgorithm[] = ['md5', 'crc32', 'crc32c', 'crc64nvme', 'sha1', 'sha256'];

function taken(pool: BufferPool): PooledBuffer {
  return pool.take() ?? assert.fail('the pool is empty');
}

test('the checksums are those of their specifications', () => {
  // The check values of the CRC catalogue, and the hashes of RFC 1321, RFC 3174 and FIPS 180-2.
  assert.deepEqual(digestsOf(['crc32', 'crc32c', 'crc64nvme'], Buffer.from('123456789')), {
    crc32: 'cbf43926',
    crc32c: 'e3069283',
    crc64nvme: 'ae8b14860a799888',
  });
  assert.deepEqual(digestsOf(['md5', 'sha1', 'sha256'], Buffer.from('abc')), {
    md5: '900150983cd24fb0d6963f7d28e17f72',
    sha1: 'a9993e364706816aba3e25717850c26c9cd0d89d',
    sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  });
  assert.equal(new Crc64Nvme().digest(), '0000000000000000');
});

test('a digest is the same in one piece and in many', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.array(fc.nat(300), { maxLength: 6 }),
      (bytes, points) => {
        const whole = Buffer.from(bytes);
        const digester = new Digester(ALL);
        let at = 0;
        for (const point of [
          ...points.filter((cut) => cut < whole.length).sort((a, b) => a - b),
          whole.length,
        ]) {
          digester.update(whole.subarray(at, point));
          at = point;
        }
        assert.deepEqual(digester.digest(), digestsOf(ALL, whole));
      },
    ),
    { numRuns: 100, verbose: 1 },
  );
});

describe('a digest pool', () => {
  test('computes what the main thread would, of many bodies at once', async () => {
    const buffers = new BufferPool(8);
    const pool = DigestPool.start({ memory: buffers.memory });
    await Promise.all(
      Array.from({ length: 6 }, async () => {
        const stream = pool.open(ALL);
        const parts: Buffer[] = [];
        for (const length of [BUFFER_BYTES, 1, 77_777]) {
          const buffer = taken(buffers);
          const bytes = randomBytes(length);
          bytes.copy(buffer.bytes);
          parts.push(bytes);
          assert.deepEqual(await stream.update(buffer.index * BUFFER_BYTES, length), []);
          buffers.release(buffer);
        }
        assert.deepEqual(await stream.finish(), digestsOf(ALL, Buffer.concat(parts)));
      }),
    );
    assert.equal(pool.streams, 0);
    await pool.close();
  });

  test('hashes signed chunks, whichever buffers they lie in', async () => {
    const buffers = new BufferPool(1);
    const pool = DigestPool.start({ memory: buffers.memory, workers: 1 });
    const { bytes } = taken(buffers);
    randomBytes(1000).copy(bytes);
    const stream = pool.open([]);
    const hashes = [
      ...(await stream.update(0, 400, [100, 250])),
      ...(await stream.update(400, 100)),
      ...(await stream.update(500, 100, [])),
      ...(await stream.update(600, 400, [50, 400])),
    ];
    // What came with no list of ends is no part of a chunk.
    const unframed = createHash('sha256').update(bytes.subarray(250, 400)).update(bytes.subarray(500, 650));
    const sha = (start: number, end: number) =>
      createHash('sha256').update(bytes.subarray(start, end)).digest('hex');
    assert.deepEqual(hashes, [sha(0, 100), sha(100, 250), unframed.digest('hex'), sha(650, 1000)]);
    stream.drop();
    assert.equal(pool.streams, 0);
    await pool.close();
  });

  test('forgets a stream that is dropped, also with its work under way', async () => {
    const buffers = new BufferPool(1);
    const pool = DigestPool.start({ memory: buffers.memory, workers: 1 });
    const stream = pool.open(['md5']);
    const updating = stream.update(0, BUFFER_BYTES);
    stream.drop();
    await updating;
    assert.equal(pool.streams, 0);
    stream.drop();
    await assert.rejects(stream.finish(), (error) => hasCode(error, 'aborted'));
    await pool.close();
  });

  test('answers what was asked before a stream is dropped', async () => {
    const buffers = new BufferPool(1);
    const pool = DigestPool.start({ memory: buffers.memory, workers: 1 });
    // Another open body, for whose bytes this one's would wait.
    const other = pool.open(['md5']);
    const stream = pool.open(['md5']);
    const [updating, finishing] = [stream.update(0, BUFFER_BYTES), stream.finish()];
    stream.drop();
    await updating;
    assert.deepEqual(await finishing, digestsOf(['md5'], Buffer.alloc(BUFFER_BYTES)));
    assert.equal(pool.streams, 1);
    other.drop();
    assert.equal(pool.streams, 0);
    await pool.close();
  });

  test('rejects what its workers can answer no more', async () => {
    const buffers = new BufferPool(1);
    const pool = DigestPool.start({ memory: buffers.memory, workers: 1 });
    const stream = pool.open(['md5']);
    const updating = assert.rejects(stream.update(0, BUFFER_BYTES), (error) => hasCode(error, 'aborted'));
    await pool.close();
    await updating;
    await assert.rejects(stream.update(0, 1), (error) => hasCode(error, 'aborted'));
    assert.throws(
      () => pool.open(['md5']),
      (error) => hasCode(error, 'overloaded'),
    );
  });
});

describe('a buffer pool', () => {
  test('lends each buffer once, and the last returned first', () => {
    const pool = new BufferPool(2);
    const [a, b] = [taken(pool), taken(pool)];
    assert.notEqual(a.index, b.index);
    assert.equal(pool.take(), undefined);
    pool.release(a);
    assert.equal(pool.take(), a);
    pool.release(a);
    pool.release(b);
    assert.throws(
      () => pool.release(b),
      (error) => hasCode(error, 'invalid-argument'),
    );
    assert.equal(pool.lent, 0);
  });

  test('serves who waits in turn, but only so many', () => {
    const pool = new BufferPool(1, 2);
    const buffer = taken(pool);
    const served: string[] = [];
    const withdraw = pool.wait(() => served.push('first'));
    pool.wait(() => served.push('second'));
    assert.throws(
      () => pool.wait(() => assert.fail()),
      (error) => hasCode(error, 'overloaded'),
    );
    withdraw();
    pool.release(buffer);
    assert.deepEqual(served, ['second']);
    assert.equal(pool.lent, 1);
    pool.release(buffer);
    assert.equal(pool.lent, 0);
  });
});
