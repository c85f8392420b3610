import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import type { PayloadMode } from '#proxy/auth/authentication.ts';
import {
  arriving,
  awsChunked,
  everyBytes,
  openContext,
  SEED,
  signedChunksMode,
  type TestContext,
} from './body-test-bed.ts';
import { BUFFER_BYTES, BufferPool } from './buffer-pool.ts';
import { openRequestBody } from './open-request-body.ts';

const BUFFERS = 4;

async function drained(incoming: PassThrough, bytes: Buffer, payload: PayloadMode, context: TestContext) {
  const parts: Buffer[] = [];
  const length = String(bytes.length);
  const headers =
    payload.kind === 'unsigned' ? { 'content-length': length } : { 'x-amz-decoded-content-length': length };
  await openRequestBody(incoming, { headers, payload }, context).drain(async (chunk) => {
    parts.push(Buffer.from(chunk));
  });
  return Buffer.concat(parts);
}

test('as many slow senders as there are buffers keep nobody else waiting, and lose nothing', async () => {
  await using context = openContext({}, new BufferPool(BUFFERS));
  const slow = Array.from({ length: BUFFERS + 2 }, (_, index) => {
    const incoming = new PassThrough();
    const bytes = randomBytes(200_000 + index);
    const signed = index % 2 === 1;
    const sizes = [70_001, 129_999 + index];
    const sent = signed ? awsChunked(bytes, { sizes, seed: SEED }) : bytes;
    const draining = drained(
      incoming,
      bytes,
      signed ? signedChunksMode(false) : { kind: 'unsigned' },
      context,
    );
    incoming.write(sent.subarray(0, 100_000));
    return { incoming, bytes, draining, rest: sent.subarray(100_000) };
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  const fast = randomBytes(5 * BUFFER_BYTES + 77);
  for (let round = 0; round < 3; round += 1) {
    const request = {
      headers: { 'content-length': String(fast.length) },
      payload: { kind: 'unsigned' as const },
    };
    const parts: Buffer[] = [];
    const body = openRequestBody(arriving(fast, everyBytes(65_536, fast.length)), request, context);
    await body.drain(async (chunk) => {
      parts.push(Buffer.from(chunk));
    });
    assert.ok(Buffer.concat(parts).equals(fast));
  }
  for (const { incoming, rest } of slow) {
    // Byte by byte at first: whatever was handed on in pieces is one body, with its digests and signatures.
    for (const byte of rest.subarray(0, 50)) incoming.write(Buffer.of(byte));
    incoming.end(rest.subarray(50));
  }
  for (const { draining, bytes } of slow) assert.ok((await draining).equals(bytes));
  assert.equal(context.buffers.lent, 0);
  assert.equal(context.digests.streams, 0);
});
