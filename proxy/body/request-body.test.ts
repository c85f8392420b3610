import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { after, describe, test } from 'node:test';
import { hasCode } from '#common/errors.ts';
import type { PayloadMode } from '#proxy/auth/authentication.ts';
import type { BodyRequest } from './body-context.ts';
import { arriving, everyBytes, openContext, sha256 } from './body-test-bed.ts';
import { BUFFER_BYTES, BufferPool } from './buffer-pool.ts';
import { digestsOf } from './digester.ts';
import { openRequestBody } from './open-request-body.ts';
import { BodyError, type BodyReason, type RequestBody, checksumAlgorithms } from './request-body.ts';

const context = openContext();
after(() => context[Symbol.asyncDispose]());

const unsigned: PayloadMode = { kind: 'unsigned' };
const small = Buffer.from('a body of few bytes');
const large = randomBytes(3 * BUFFER_BYTES + 12_345);

function plain(bytes: Buffer, headers: BodyRequest['headers'] = {}, payload = unsigned): RequestBody {
  const request = { headers: { 'content-length': String(bytes.length), ...headers }, payload };
  return openRequestBody(arriving(bytes, everyBytes(65_536, bytes.length)), request, context);
}

async function drained(body: RequestBody) {
  const parts: Buffer[] = [];
  const digests = await body.drain(async (chunk) => {
    parts.push(Buffer.from(chunk));
    await new Promise((resolve) => setImmediate(resolve));
  });
  return { bytes: Buffer.concat(parts), digests };
}

function refused(reason: BodyReason) {
  return (error: unknown) => {
    assert.ok(error instanceof BodyError, String(error));
    assert.equal(error.reason, reason, error.message);
    return true;
  };
}

function md5(bytes: Buffer, encoding: 'hex' | 'base64' = 'hex'): string {
  return createHash('md5').update(bytes).digest(encoding);
}

function nothingIsLeft(): void {
  assert.equal(context.buffers.lent, 0);
  assert.equal(context.digests.streams, 0);
  assert.equal(context.clock.pendingTimers, 0);
}

describe('a body as it is', () => {
  for (const [name, bytes] of [
    ['small', small],
    ['of just what is digested inline', randomBytes(65_536)],
    ['of one byte more', randomBytes(65_537)],
    ['of whole buffers', randomBytes(2 * BUFFER_BYTES)],
    ['large', large],
  ] as const) {
    test(`${name}: is drained in order, with its digests`, async () => {
      const result = await drained(plain(bytes));
      assert.ok(result.bytes.equals(bytes));
      assert.deepEqual(result.digests, { lengthBytes: bytes.length, md5Hex: md5(bytes), checksums: {} });
      nothingIsLeft();
    });
  }

  test('is read whole, when it is not longer than the caller allows', async () => {
    assert.ok((await plain(small).readAll(small.length)).equals(small));
    const { bytes, digests } = await plain(large).collect(large.length);
    assert.ok(bytes.equals(large));
    assert.equal(digests.md5Hex, md5(large));
    await assert.rejects(plain(small).readAll(small.length - 1), refused('EntityTooLarge'));
    nothingIsLeft();
  });

  test('is read once only', async () => {
    const body = plain(small);
    await body.readAll(100);
    await assert.rejects(body.readAll(100), (error) => hasCode(error, 'invalid-argument'));
  });

  test('may be empty: the sink is not called', async () => {
    for (const headers of [{ 'content-length': '0' }, {}]) {
      const body = openRequestBody(arriving(Buffer.alloc(0)), { headers, payload: unsigned }, context);
      const digests = await body.drain(() => assert.fail('there is nothing to sink'));
      assert.equal(digests.md5Hex, md5(Buffer.alloc(0)));
    }
    nothingIsLeft();
  });

  test('may be of unknown length, up to a limit', async () => {
    const headers = { 'transfer-encoding': 'chunked' };
    for (const bytes of [Buffer.alloc(0), small, large]) {
      const body = (): RequestBody =>
        openRequestBody(arriving(bytes), { headers, payload: unsigned }, context);
      assert.equal(body().declaredLength, undefined);
      assert.ok((await drained(body())).bytes.equals(bytes));
      assert.ok((await body().readAll(large.length)).equals(bytes));
    }
    const limited = { ...context, limits: { ...context.limits, bodyBytesMax: 1000 } };
    const body = openRequestBody(arriving(large), { headers, payload: unsigned }, limited);
    await assert.rejects(drained(body), refused('EntityTooLarge'));
    nothingIsLeft();
  });

  test('must have the length that it declares', async () => {
    for (const bytes of [small, large]) {
      const cut = () => plain(bytes, { 'content-length': String(bytes.length + 1) });
      await assert.rejects(drained(cut()), refused('IncompleteBody'));
      await assert.rejects(cut().readAll(2 ** 20), refused('IncompleteBody'));
      const long = () => plain(bytes, { 'content-length': String(bytes.length - 1) });
      await assert.rejects(drained(long()), refused('IncompleteBody'));
      await assert.rejects(long().readAll(2 ** 20), refused('IncompleteBody'));
    }
    nothingIsLeft();
  });

  test('is refused before it is received when its headers forbid it', () => {
    assert.throws(() => plain(small, { 'content-length': '6000000000' }), refused('EntityTooLarge'));
    assert.throws(() => plain(small, { 'content-length': '1e3' }), refused('InvalidArgument'));
    for (const value of ['x', '', 'AAAA', `${md5(small, 'base64')}=`]) {
      assert.throws(() => plain(small, { 'content-md5': value }), refused('InvalidDigest'), value);
    }
    for (const value of ['x', '', 'AAAAAA', 'AAAAAAA=', 'AAAAAA==, AAAAAA==']) {
      assert.throws(() => plain(small, { 'x-amz-checksum-crc32': value }), refused('InvalidRequest'), value);
    }
    const two = { 'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-checksum-crc32c': 'AAAAAA==' };
    assert.throws(() => plain(small, two), refused('InvalidRequest'));
    assert.throws(() => plain(small, { 'x-amz-trailer': 'x-amz-checksum-crc32' }), refused('InvalidRequest'));
  });
});

describe('what vouches for a body', () => {
  test('Content-MD5', async () => {
    for (const bytes of [small, large]) {
      await drained(plain(bytes, { 'content-md5': md5(bytes, 'base64') }));
      const wrong = plain(bytes, { 'content-md5': md5(Buffer.from('other'), 'base64') });
      await assert.rejects(drained(wrong), refused('BadDigest'));
    }
    nothingIsLeft();
  });

  test('its SHA-256, when that is signed', async () => {
    for (const bytes of [small, large]) {
      await drained(plain(bytes, {}, { kind: 'signed', sha256Hex: sha256(bytes) }));
      const wrong = plain(bytes, {}, { kind: 'signed', sha256Hex: sha256('other') });
      await assert.rejects(drained(wrong), refused('XAmzContentSHA256Mismatch'));
    }
    nothingIsLeft();
  });

  for (const algorithm of checksumAlgorithms) {
    test(`x-amz-checksum-${algorithm}`, async () => {
      for (const bytes of [small, large]) {
        const base64 = Buffer.from(digestsOf([algorithm], bytes)[algorithm] ?? '', 'hex').toString('base64');
        const name = `x-amz-checksum-${algorithm}`;
        const { digests } = await drained(plain(bytes, { [name]: base64 }));
        assert.deepEqual(digests.checksums, { [algorithm]: base64 });
        const other = Buffer.from(base64, 'base64');
        other[0] = 1 ^ (other[0] ?? 0);
        await assert.rejects(
          drained(plain(bytes, { [name]: other.toString('base64') })),
          refused('BadDigest'),
        );
      }
      nothingIsLeft();
    });
  }

  test('a checksum of the whole object is not taken for one of the body that completes it', async () => {
    const headers = { 'content-length': String(small.length), 'x-amz-checksum-crc32': 'AAAAAA==-2' };
    const request = { headers, payload: unsigned, checksumsOfBody: false };
    await openRequestBody(arriving(small), request, context).readAll(100);
  });
});

describe('a sender', () => {
  function slow(length: number) {
    const incoming = new PassThrough();
    const request = { headers: { 'content-length': String(length) }, payload: unsigned };
    return { incoming, body: openRequestBody(incoming, request, context) };
  }
  const turns = async () => {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  };

  test('that goes away within the body is noticed, whoever waits for it', async () => {
    for (const length of [1000, 10_000_000]) {
      for (const read of [
        (body: RequestBody) => drained(body),
        (body: RequestBody) => body.readAll(2 ** 30),
      ]) {
        const { incoming, body } = slow(length);
        const reading = assert.rejects(read(body), (error) => hasCode(error, 'aborted'));
        incoming.write(Buffer.alloc(Math.min(length - 1, 600_000)));
        await turns();
        incoming.destroy();
        await reading;
      }
      const { incoming, body } = slow(length);
      incoming.destroy();
      await turns();
      await assert.rejects(drained(body), (error) => hasCode(error, 'aborted'));
    }
    nothingIsLeft();
  });

  test('that stalls is given up', async () => {
    for (const length of [1000, 10_000_000]) {
      const { incoming, body } = slow(length);
      const reading = assert.rejects(drained(body), refused('RequestTimeout'));
      incoming.write('a few bytes');
      await turns();
      context.clock.advance(2 * context.limits.stallMs);
      await reading;
    }
  });

  test('that is slow but sends is not', async () => {
    const { incoming, body } = slow(200_000);
    const reading = drained(body);
    for (let part = 0; part < 100; part++) {
      incoming.write(Buffer.alloc(2000));
      await turns();
      context.clock.advance(context.limits.stallMs * 0.9);
    }
    incoming.end();
    assert.equal((await reading).bytes.length, 200_000);
    nothingIsLeft();
  });

  test('is held back by a slow sink, within a bounded memory, and not blamed for it', async () => {
    const incoming = new PassThrough();
    const length = 12 * BUFFER_BYTES;
    const request = { headers: { 'content-length': String(length) }, payload: unsigned };
    let open: () => void = () => assert.fail();
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const draining = openRequestBody(incoming, request, context).drain(() => gate);
    let written = 0;
    while (written < length && incoming.writableLength < 65_536) {
      incoming.write(Buffer.alloc(65_536));
      written += 65_536;
      await turns();
    }
    assert.ok(written <= 2 ** 20, `${written} bytes were taken while the sink took none`);
    assert.equal(context.buffers.lent, 2);
    context.clock.advance(10 * context.limits.stallMs);
    open();
    incoming.end(Buffer.alloc(length - written));
    assert.equal((await draining).lengthBytes, length);
    nothingIsLeft();
  });
});

test('what the sink throws ends the draining, and is what is thrown', async () => {
  const failure = new Error('the disk is gone');
  for (const failing of [0, 2]) {
    let calls = 0;
    const body = plain(large);
    const draining = body.drain(async () => {
      if (calls++ === failing) throw failure;
    });
    await assert.rejects(draining, failure);
    assert.equal(calls, failing + 1);
    nothingIsLeft();
  }
});

test('the sink is called once at a time', async () => {
  let inside = 0;
  await plain(large).drain(async () => {
    assert.equal(++inside, 1);
    await new Promise((resolve) => setImmediate(resolve));
    inside -= 1;
  });
});

test('a sink that takes several calls at once has three, in order', async () => {
  let inside = 0;
  let insideMost = 0;
  const taken: Buffer[] = [];
  let threeAreInside: () => void = () => assert.fail();
  const three = new Promise<void>((resolve) => {
    threeAreInside = resolve;
  });
  const { lengthBytes } = await plain(large).drain(
    async (chunk) => {
      taken.push(Buffer.from(chunk));
      insideMost = Math.max(insideMost, ++inside);
      if (taken.length === 3) threeAreInside();
      await three;
      inside -= 1;
    },
    { overlapping: true },
  );
  assert.equal(lengthBytes, large.length);
  assert.ok(Buffer.concat(taken).equals(large));
  assert.equal(insideMost, 3);
});

test('bodies share few buffers, and wait for them in turn', async () => {
  await using tight = openContext({}, new BufferPool(2));
  const bodies = Array.from({ length: 8 }, () => {
    const request = { headers: { 'content-length': String(large.length) }, payload: unsigned };
    return drained(openRequestBody(arriving(large, everyBytes(65_536, large.length)), request, tight));
  });
  for (const { bytes } of await Promise.all(bodies)) assert.ok(bytes.equals(large));
  assert.equal(tight.buffers.lent, 0);
});

test('when too many wait for a buffer, the next is asked to slow down', async () => {
  await using full = openContext({}, new BufferPool(1, 0));
  const held = full.buffers.take();
  assert.ok(held);
  const request = { headers: { 'content-length': String(large.length) }, payload: unsigned };
  await assert.rejects(drained(openRequestBody(arriving(large), request, full)), refused('SlowDown'));
  full.buffers.release(held);
  assert.equal(full.digests.streams, 0);
});

test('what is left of a body is discarded within bounds', async () => {
  assert.equal(await plain(large).discard(large.length), true);
  assert.equal(await plain(large).discard(large.length - 1), false);
  assert.equal(await plain(Buffer.alloc(0)).discard(0), true);
  const refusedBody = plain(large);
  await assert.rejects(
    refusedBody.drain(() => Promise.reject(new Error('no'))),
    /no/,
  );
  assert.equal(await refusedBody.discard(large.length), true);
  const read = plain(small);
  await read.readAll(100);
  assert.equal(await read.discard(0), true);
  nothingIsLeft();
});
