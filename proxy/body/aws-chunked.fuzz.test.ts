/** Whatever arrives in chunks: the bytes that were sent and signed, or a refusal. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyBytes, damaged, fuzz } from '#common/fuzz.fixture.ts';
import { AwsChunkedDecoder } from './aws-chunked.ts';
import { arriving, awsChunked, everyBytes, openContext, SEED, signedChunksMode } from './body-test-bed.ts';
import { openRequestBody } from './open-request-body.ts';
import { BodyError } from './request-body.ts';

const cut = fc.integer({ min: 1, max: 200 });

/** Decodes without looking at signatures; undefined when it is refused. */
function decoded(bytes: Buffer, step: number, decodedLength: number, signed: boolean): Buffer | undefined {
  const decoder = new AwsChunkedDecoder({ decodedLength, signed });
  const parts: Buffer[] = [];
  try {
    for (let at = 0; at < bytes.length; at += step) {
      decoder.feed(bytes.subarray(at, at + step));
      for (let piece = decoder.next(); piece !== undefined; piece = decoder.next()) parts.push(piece.bytes);
    }
    decoder.finish();
  } catch (error) {
    if (error instanceof BodyError) return undefined;
    throw error;
  }
  return Buffer.concat(parts);
}

test('what was encoded is decoded, however it is cut', (t) => {
  fuzz(
    t,
    fc.property(anyBytes(500), fc.array(fc.integer({ min: 1, max: 300 })), cut, (payload, wanted, step) => {
      const sizes: number[] = [];
      let left = payload.length;
      for (const size of [...wanted, payload.length]) {
        if (left > 0) sizes.push(Math.min(size, left));
        left -= Math.min(size, left);
      }
      assert.deepEqual(decoded(awsChunked(payload, { sizes }), step, payload.length, false), payload);
    }),
  );
});

test('damaged or made up, a body never comes out longer or shorter than it was declared', (t) => {
  const encoded = anyBytes(200, 1).chain((payload) => {
    const plain = awsChunked(payload, {
      sizes: [payload.length],
      trailer: ['x-amz-checksum-crc32', 'AAAAAA=='],
    });
    return fc.tuple(fc.oneof(damaged(fc.constant(plain)), anyBytes(300)), fc.constant(payload.length));
  });
  fuzz(
    t,
    fc.property(encoded, cut, fc.boolean(), ([bytes, length], step, signed) => {
      const found = decoded(bytes, step, length, signed);
      if (found !== undefined) assert.equal(found.length, length);
    }),
    1500,
  );
});

test('of a signed body not one bit can be changed', async (t) => {
  await using context = openContext();
  const payload = Buffer.from('a payload that somebody signed');
  const valid = awsChunked(payload, { sizes: [payload.length], seed: SEED });
  await fuzz(
    t,
    fc.asyncProperty(damaged(fc.constant(valid)), cut, async (bytes, step) => {
      const headers = { 'x-amz-decoded-content-length': String(payload.length) };
      const incoming = arriving(bytes, everyBytes(step, bytes.length));
      const body = openRequestBody(incoming, { headers, payload: signedChunksMode(false) }, context);
      try {
        assert.deepEqual(await body.readAll(10_000), payload);
      } catch (error) {
        if (!(error instanceof BodyError)) throw error;
      }
    }),
  );
});
