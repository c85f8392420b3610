/** What the tests of bodies share: a context, streams that arrive in pieces, and a sender of aws-chunked bodies. */
import { createHash, createHmac } from 'node:crypto';
import { Readable } from 'node:stream';
import { ManualClock } from '#common/io/manual-clock.ts';
import type { ChunkSigning, PayloadMode } from '#proxy/auth/authentication.ts';
import { deriveSigningKey } from '#proxy/auth/signing-key.ts';
import { type BodyContext, type BodyLimits, defaultBodyLimits } from './body-context.ts';
import { BufferPool } from './buffer-pool.ts';
import { DigestPool } from './digest-pool.ts';

export const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const DATE_TIME = '20130524T000000Z';
const SCOPE = '20130524/us-east-1/s3/aws4_request';
export const SEED = '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9';

export interface TestContext extends BodyContext {
  readonly clock: ManualClock;
}

export function openContext(
  limits: Partial<BodyLimits> = {},
  buffers = new BufferPool(16),
): TestContext & AsyncDisposable {
  const digests = DigestPool.start({ memory: buffers.memory });
  return {
    buffers,
    digests,
    clock: new ManualClock(),
    limits: { ...defaultBodyLimits, ...limits },
    [Symbol.asyncDispose]: () => digests.close(),
  };
}

/** A stream that gives the bytes cut at `cuts` (rising offsets). */
export function arriving(bytes: Buffer, cuts: readonly number[] = []): Readable {
  const edges = [0, ...cuts, bytes.length];
  const pieces: Buffer[] = [];
  for (let index = 0; index + 1 < edges.length; index++) {
    const piece = bytes.subarray(edges[index], edges[index + 1]);
    if (piece.length > 0) pieces.push(piece);
  }
  return Readable.from(pieces, { objectMode: false });
}

export function everyBytes(step: number, length: number): number[] {
  return Array.from({ length: Math.max(0, Math.ceil(length / step) - 1) }, (_, index) => (index + 1) * step);
}

/** The payload's mode as authentication would give it for the published example. */
export function signedChunksMode(
  trailer: boolean,
  seedSignature = SEED,
): PayloadMode & { kind: 'signed-chunks' } {
  const signing: ChunkSigning = {
    signingKey: deriveSigningKey(SECRET, '20130524', 'us-east-1'),
    dateTime: DATE_TIME,
    scope: SCOPE,
    seedSignature,
  };
  return { kind: 'signed-chunks', signing, trailer };
}

export interface Encoding {
  readonly sizes: readonly number[];
  /** Signed from this on; unsigned when it is left out. */
  readonly seed?: string;
  /** Name and value of the one trailing header. */
  readonly trailer?: readonly [name: string, value: string];
}

/** Encodes with nothing of what decodes. */
export function awsChunked(payload: Buffer, encoding: Encoding): Buffer {
  const parts: Buffer[] = [];
  let previous = encoding.seed ?? '';
  let at = 0;
  for (const size of [...encoding.sizes, 0]) {
    const chunk = payload.subarray(at, at + size);
    at += size;
    let line = size.toString(16);
    if (encoding.seed !== undefined) {
      previous = sign(
        `AWS4-HMAC-SHA256-PAYLOAD\n${DATE_TIME}\n${SCOPE}\n${previous}\n${sha256('')}\n${sha256(chunk)}`,
      );
      line += `;chunk-signature=${previous}`;
    }
    parts.push(Buffer.from(`${line}\r\n`), chunk);
    if (size > 0) parts.push(Buffer.from('\r\n'));
  }
  if (encoding.trailer !== undefined) {
    const [name, value] = encoding.trailer;
    parts.push(Buffer.from(`${name}:${value}\r\n`));
    if (encoding.seed !== undefined) {
      const text = `AWS4-HMAC-SHA256-TRAILER\n${DATE_TIME}\n${SCOPE}\n${previous}\n${sha256(`${name}:${value}\n`)}`;
      parts.push(Buffer.from(`x-amz-trailer-signature:${sign(text)}\r\n`));
    }
  }
  parts.push(Buffer.from('\r\n'));
  return Buffer.concat(parts);
}

export function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function sign(text: string): string {
  const key = ['20130524', 'us-east-1', 's3', 'aws4_request'].reduce(
    (last: Buffer | string, part) => createHmac('sha256', last).update(part).digest(),
    `AWS4${SECRET}`,
  );
  return createHmac('sha256', key).update(text).digest('hex');
}
