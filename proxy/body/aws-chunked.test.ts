import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import type { PayloadMode } from '#proxy/auth/authentication.ts';
import { AwsChunkedDecoder } from './aws-chunked.ts';
import { SEED, arriving, awsChunked, everyBytes, openContext, signedChunksMode } from './body-test-bed.ts';
import { digestsOf } from './digester.ts';
import { openRequestBody } from './open-request-body.ts';
import { BodyError, type BodyReason, type RequestBody } from './request-body.ts';

const context = openContext();
after(() => context[Symbol.asyncDispose]());
const unsignedMode: PayloadMode = { kind: 'unsigned-chunks' };
const TRAILER_SEED = '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e';

interface Sent {
  readonly encoded: Buffer;
  readonly decodedLength: number;
  readonly payload?: PayloadMode;
  readonly headers?: Record<string, string>;
  readonly cuts?: readonly number[];
}

function receive(sent: Sent): RequestBody {
  const headers = {
    'content-length': String(sent.encoded.length),
    'x-amz-decoded-content-length': String(sent.decodedLength),
    ...sent.headers,
  };
  const request = { headers, payload: sent.payload ?? signedChunksMode(false) };
  return openRequestBody(arriving(sent.encoded, sent.cuts), request, context);
}

async function drained(sent: Sent) {
  const parts: Buffer[] = [];
  const digests = await receive(sent).drain(async (chunk) => void parts.push(Buffer.from(chunk)));
  return { bytes: Buffer.concat(parts), digests };
}

async function refusedBothWays(reason: BodyReason, sent: Sent, message?: RegExp): Promise<void> {
  const isRefused = (error: unknown) => {
    assert.ok(error instanceof BodyError, String(error));
    assert.equal(error.reason, reason, error.message);
    if (message !== undefined) assert.match(error.message, message);
    return true;
  };
  await assert.rejects(drained(sent), isRefused);
  await assert.rejects(receive(sent).readAll(2 ** 30), isRefused);
  assert.equal(context.buffers.lent, 0);
  assert.equal(context.digests.streams, 0);
}

function published(signatures: readonly string[], trailer = ''): Buffer {
  const [first, second, last] = signatures;
  return Buffer.from(
    `10000;chunk-signature=${first}\r\n${'a'.repeat(65_536)}\r\n` +
      `400;chunk-signature=${second}\r\n${'a'.repeat(1024)}\r\n` +
      `0;chunk-signature=${last}\r\n${trailer}\r\n`,
  );
}

describe('the published examples', () => {
  const encoded = published([
    'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648',
    '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497',
    'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9',
  ]);
  const withTrailer = published(
    [
      'b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2',
      '1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7',
      '2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992',
    ],
    'x-amz-checksum-crc32c:sOO8/Q==\r\n' +
      'x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n',
  );

  test('a chunked upload is decoded and verified', async () => {
    assert.equal(encoded.length, 66_824);
    const { bytes } = await drained({ encoded, decodedLength: 66_560 });
    assert.ok(bytes.equals(Buffer.alloc(66_560, 'a')));
    assert.ok((await receive({ encoded, decodedLength: 66_560 }).readAll(66_560)).equals(bytes));
  });

  test('one with a trailer is too', async () => {
    const sent = {
      encoded: withTrailer,
      decodedLength: 66_560,
      payload: signedChunksMode(true, TRAILER_SEED),
      headers: { 'x-amz-trailer': 'x-amz-checksum-crc32c' },
    };
    const { digests } = await drained(sent);
    assert.deepEqual(digests.checksums, { crc32c: 'sOO8/Q==' });
    assert.equal((await receive(sent).collect(66_560)).digests.md5Hex, digests.md5Hex);
  });

  test('a byte of them changed, or another request before them, is refused', async () => {
    const changed = Buffer.from(encoded);
    changed[100] = 0x62;
    await refusedBothWays('SignatureDoesNotMatch', { encoded: changed, decodedLength: 66_560 });
    const otherSeed = signedChunksMode(false, TRAILER_SEED);
    await refusedBothWays('SignatureDoesNotMatch', { encoded, decodedLength: 66_560, payload: otherSeed });
    const forged = Buffer.from(withTrailer.toString().replace('sOO8/Q==', 'sOO8/g=='));
    await refusedBothWays('SignatureDoesNotMatch', {
      encoded: forged,
      decodedLength: 66_560,
      payload: signedChunksMode(true, TRAILER_SEED),
      headers: { 'x-amz-trailer': 'x-amz-checksum-crc32c' },
    });
  });
});

describe('signed chunks', () => {
  const payload = randomBytes(900_000);
  const sizes = [8192, 262_144, 300_000, 8192, 300_000, 21_472];
  const encoded = awsChunked(payload, { sizes, seed: SEED });

  test('of any size from 8 KiB, over several buffers', async () => {
    const { bytes, digests } = await drained({ encoded, decodedLength: payload.length });
    assert.ok(bytes.equals(payload));
    assert.equal(digests.md5Hex, digestsOf(['md5'], payload).md5);
  });

  test('arriving a byte at a time', async () => {
    const short = payload.subarray(0, 9000);
    const dribbled = awsChunked(short, { sizes: [8192, 808], seed: SEED });
    const cuts = everyBytes(1, dribbled.length);
    const { bytes } = await drained({ encoded: dribbled, decodedLength: 9000, cuts });
    assert.ok(bytes.equals(short));
  });

  test('of which none is there', async () => {
    const empty = awsChunked(Buffer.alloc(0), { sizes: [], seed: SEED });
    const { digests } = await drained({ encoded: empty, decodedLength: 0 });
    assert.equal(digests.lengthBytes, 0);
  });

  test('that are changed, exchanged or left out break the chain', async () => {
    const text = encoded.toString('latin1');
    const changed = Buffer.from(encoded);
    const last = changed.length - 30_000;
    changed[last] = 1 ^ (changed[last] ?? 0);
    await refusedBothWays('SignatureDoesNotMatch', { encoded: changed, decodedLength: payload.length });
    const signatures = [...text.matchAll(/chunk-signature=([0-9a-f]{64})/g)].map((found) => found[1] ?? '');
    const final = Buffer.from(text.replace(signatures.at(-1) ?? '', '0'.repeat(64)), 'latin1');
    await refusedBothWays('SignatureDoesNotMatch', { encoded: final, decodedLength: payload.length });
    const same = Buffer.alloc(16_384, 1);
    const halves = awsChunked(same, { sizes: [8192, 8192], seed: SEED }).toString('latin1');
    const [first = '', second = ''] = [...halves.matchAll(/[0-9a-f]{64}/g)].map(([found]) => found);
    const exchanged = halves.replace(first, 'x').replace(second, first).replace('x', second);
    await refusedBothWays('SignatureDoesNotMatch', {
      encoded: Buffer.from(exchanged, 'latin1'),
      decodedLength: same.length,
    });
  });

  test('that are short are refused, but for the last', async () => {
    const short = awsChunked(payload.subarray(0, 9000), { sizes: [8000, 1000], seed: SEED });
    await refusedBothWays('InvalidChunkSizeError', { encoded: short, decodedLength: 9000 }, /8192/);
  });

  test('without a signature are refused', async () => {
    const bare = awsChunked(payload, { sizes: [payload.length] });
    await refusedBothWays('InvalidRequest', { encoded: bare, decodedLength: payload.length });
  });
});

describe('trailers', () => {
  const payload = Buffer.from('a body that a checksum follows');
  const sizes = [20, 10];
  const value = Buffer.from(digestsOf(['crc64nvme'], payload).crc64nvme ?? '', 'hex').toString('base64');
  const name = 'x-amz-checksum-crc64nvme';
  const common = { decodedLength: payload.length, payload: unsignedMode, headers: { 'x-amz-trailer': name } };
  const encode = (trailer: string) =>
    Buffer.concat([awsChunked(payload, { sizes }).subarray(0, -2), Buffer.from(trailer)]);

  test('are taken in the forms that clients send', async () => {
    for (const trailer of [
      `${name}:${value}\r\n\r\n`,
      `${name}:${value}\r\n`,
      `${name}:${value}`,
      `${name}:${value}\n\r\n\r\n`,
      `X-Amz-Checksum-CRC64NVME: ${value} \r\n\r\n`,
      `\r\n${name}:${value}\r\n`,
    ]) {
      const { digests } = await drained({ ...common, encoded: encode(trailer) });
      assert.deepEqual(digests.checksums, { crc64nvme: value }, JSON.stringify(trailer));
    }
  });

  test('must hold what was declared, and nothing else', async () => {
    const malformed = [
      '',
      '\r\n',
      `${name}=${value}\r\n`,
      `x-amz-checksum-crc32:AAAAAA==\r\n`,
      `${name}:${value}\r\n${name}:${value}\r\n`,
      `${name}:${value}\r\nx-other:1\r\n`,
      `${name}:\x00\r\n`,
      `${name}:${value}\r\n${'x'.repeat(8192)}`,
    ];
    for (const trailer of malformed) {
      await refusedBothWays('MalformedTrailerError', { ...common, encoded: encode(trailer) });
    }
    await refusedBothWays('InvalidRequest', { ...common, encoded: encode(`${name}:abc\r\n`) });
    await refusedBothWays('BadDigest', { ...common, encoded: encode(`${name}:AAAAAAAAAAA=\r\n`) });
    assert.throws(() => receive({ ...common, encoded: payload, headers: { 'x-amz-trailer': 'expires' } }));
    const undeclared = { decodedLength: payload.length, payload: unsignedMode };
    await refusedBothWays('MalformedTrailerError', {
      ...undeclared,
      encoded: encode(`${name}:${value}\r\n`),
    });
  });

  test('that are signed must bear their signature', async () => {
    const trailer = [name, value] as const;
    const encoded = awsChunked(payload, { sizes: [payload.length], seed: SEED, trailer });
    const sent = { ...common, payload: signedChunksMode(true), encoded };
    assert.deepEqual((await drained(sent)).digests.checksums, { crc64nvme: value });
    const bare = encoded.toString('latin1').replace(/x-amz-trailer-signature:.*\r\n/, '');
    await refusedBothWays('MalformedTrailerError', { ...sent, encoded: Buffer.from(bare, 'latin1') });
    const wrong = encoded.toString('latin1').replace(/(signature:)[0-9a-f]{64}/, `$1${'0'.repeat(64)}`);
    await refusedBothWays('SignatureDoesNotMatch', { ...sent, encoded: Buffer.from(wrong, 'latin1') });
  });
});

test('framing that breaks the grammar is refused', async () => {
  const malformed = [
    'xyz\r\n',
    '\r\n',
    '5\nhello\r\n0\r\n\r\n',
    '5\r\nhello0\r\n\r\n',
    '5\r\nhelloworld\r\n',
    '-5\r\nhello\r\n0\r\n\r\n',
    '5;chunk-signature=12\r\nhello\r\n0\r\n\r\n',
    `${'0'.repeat(200)}5\r\nhello\r\n0\r\n\r\n`,
    `5${' '.repeat(10_000)}`,
  ];
  for (const text of malformed) {
    await refusedBothWays('InvalidRequest', {
      encoded: Buffer.from(text.padEnd(32, ' ')),
      decodedLength: 5,
      payload: unsignedMode,
    });
  }
});

test('chunks must add up to the length that was declared, and end', async () => {
  const texts = ['5\r\nhello\r\n', '5\r\nhel', '5', '', '6\r\nhello!\r\n0\r\n\r\n', '4\r\nhell\r\n0\r\n\r\n'];
  for (const text of [...texts, 'ffffffffffffffff\r\nhello']) {
    const headers = { 'content-length': '1000' };
    const encoded = Buffer.from(text);
    await refusedBothWays('IncompleteBody', { encoded, decodedLength: 5, payload: unsignedMode, headers });
  }
  assert.throws(
    () => receive({ encoded: Buffer.from('hell'), decodedLength: 5 }),
    (error) => error instanceof BodyError && error.reason === 'InvalidRequest',
  );
  const { encoded, payload } = { encoded: Buffer.alloc(1), payload: unsignedMode };
  assert.throws(
    () => openRequestBody(arriving(encoded), { headers: { 'content-length': '1' }, payload }, context),
    (error) => error instanceof BodyError && error.reason === 'MissingContentLength',
  );
});

test('wherever the network cuts it, a body is decoded the same', async () => {
  const chunkSizes = fc.array(fc.integer({ min: 8192, max: 20_000 }), { maxLength: 3 });
  const cutPoints = fc.array(fc.nat(70_000), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(chunkSizes, fc.nat(3), cutPoints, fc.boolean(), async (sizes, last, points, signed) => {
      const all = last === 0 ? sizes : [...sizes, last];
      const payload = randomBytes(all.reduce((sum, size) => sum + size, 0));
      const trailer = ['x-amz-checksum-sha1', base64Sha1(payload)] as const;
      const encoded = awsChunked(payload, { sizes: all, trailer, ...(signed ? { seed: SEED } : {}) });
      const cuts = points.filter((point) => point < encoded.length).sort((a, b) => a - b);
      const { bytes, digests } = await drained({
        encoded,
        cuts,
        decodedLength: payload.length,
        payload: signed ? signedChunksMode(true) : unsignedMode,
        headers: { 'x-amz-trailer': trailer[0] },
      });
      assert.ok(bytes.equals(payload));
      assert.deepEqual(digests.checksums, { sha1: trailer[1] });
    }),
    { numRuns: 60, verbose: 1 },
  );
});

test('whatever arrives, the decoder gives bytes or a typed error', () => {
  const token = fc.constantFrom(
    '5',
    '0',
    '\r\n',
    '\n',
    ';chunk-signature=',
    'a'.repeat(64),
    'hello',
    ':',
    'x',
  );
  const noise = fc.oneof(token, fc.string({ maxLength: 8 }));
  fc.assert(
    fc.property(fc.array(noise, { maxLength: 30 }), fc.boolean(), (pieces, signed) => {
      const decoder = new AwsChunkedDecoder({ decodedLength: 10, signed });
      let bytes = 0;
      try {
        for (const piece of pieces) {
          decoder.feed(Buffer.from(piece));
          for (let next = decoder.next(); next !== undefined; next = decoder.next())
            bytes += next.bytes.length;
        }
        decoder.finish();
        assert.equal(bytes, 10);
      } catch (error) {
        assert.ok(error instanceof BodyError, String(error));
        assert.ok(bytes <= 10);
      }
    }),
    { numRuns: 500, verbose: 1 },
  );
});

function base64Sha1(bytes: Buffer): string {
  return Buffer.from(digestsOf(['sha1'], bytes).sha1 ?? '', 'hex').toString('base64');
}
