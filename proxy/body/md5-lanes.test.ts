import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { pageMemory } from '#common/io/page-memory.ts';
import { LANES_BYTES, Md5Lanes } from './md5-lanes.ts';

const MEMORY_BYTES = 64 * 1024;
const SCRATCH_AT = MEMORY_BYTES - LANES_BYTES;

function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}

test('messages of every length around a block give what they should', () => {
  const memory = pageMemory(MEMORY_BYTES);
  const bytes = Buffer.from(memory.buffer);
  bytes.set(randomBytes(SCRATCH_AT));
  const lanes = new Md5Lanes(memory, SCRATCH_AT);
  for (const length of [0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 129, 4096, 50_000]) {
    const stream = lanes.open();
    let done = false;
    stream.update(11, length, () => (done = true));
    while (lanes.advance());
    assert.ok(done);
    assert.equal(stream.digest(), md5(bytes.subarray(11, 11 + length)), `${length} bytes`);
  }
});

test('streams side by side, in pieces that come as they will, do not mix', () => {
  const memory = pageMemory(MEMORY_BYTES);
  const bytes = Buffer.from(memory.buffer);
  const piece = fc.record({
    stream: fc.nat(6),
    offset: fc.nat(9000),
    length: fc.oneof(fc.nat(5000), fc.nat(130), fc.constantFrom(64, 128, 4096)),
    advances: fc.nat(2),
  });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), fc.noShrink(fc.integer()), (pieces, seed) => {
      for (let at = 0; at < SCRATCH_AT; at++) bytes[at] = (at * 31 + (at >> 7) + seed) & 0xff;
      const lanes = new Md5Lanes(memory, SCRATCH_AT);
      const streams = Array.from({ length: 7 }, () => lanes.open());
      const expected = streams.map(() => createHash('md5'));
      // What is done is told in each stream's order, and once.
      const done = streams.map(() => 0);
      const begun = streams.map(() => 0);
      for (const { stream, offset, length, advances } of pieces) {
        expected[stream]?.update(bytes.subarray(offset, offset + length));
        const turn = (begun[stream] as number)++;
        streams[stream]?.update(offset, length, () => {
          assert.equal(done[stream], turn);
          done[stream] = turn + 1;
        });
        for (let step = 0; step < advances; step++) lanes.advance();
      }
      while (lanes.advance());
      assert.deepEqual(done, begun);
      const digests = streams.map((stream) => (assert.equal(stream.hasWork, false), stream.digest()));
      assert.deepEqual(
        digests,
        expected.map((hash) => hash.digest('hex')),
      );
    }),
    { numRuns: 300, verbose: 1 },
  );
});

test('a piece that is done may be overwritten', () => {
  const memory = pageMemory(MEMORY_BYTES);
  const bytes = Buffer.from(memory.buffer);
  const lanes = new Md5Lanes(memory, SCRATCH_AT);
  const streams = [1, 2, 3, 4, 5].map((number) => ({ number, stream: lanes.open() }));
  for (const { number, stream } of streams) {
    const at = number * 8192;
    bytes.fill(number, at, at + 100 * number);
    stream.update(at, 100 * number, () => bytes.fill(0xff, at, at + 100 * number));
  }
  while (lanes.advance());
  for (const { number, stream } of streams)
    assert.equal(stream.digest(), md5(Buffer.alloc(100 * number, number)));
});

test('a stream that comes fifth has its turn, however much the first four bring', () => {
  const memory = pageMemory(MEMORY_BYTES);
  const lanes = new Md5Lanes(memory, SCRATCH_AT);
  const done = [0, 0, 0, 0, 0];
  const bring = (number: number): void => {
    const stream = streams[number];
    const piece = (): void => {
      done[number] = (done[number] as number) + 1;
      bring(number);
    };
    stream?.update(0, 1024, piece);
  };
  const streams = done.map(() => lanes.open());
  // Each has always one more piece waiting behind the one under way.
  for (const number of [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]) bring(number);
  for (let step = 0; step < 100; step++) lanes.advance();
  assert.ok(Math.max(...done) - Math.min(...done) <= 1, done.join());
});
