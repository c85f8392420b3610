import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { hasCode } from '#common/errors.ts';
import { type FrameType, HEADER_BYTES, frameTypes, sealFrame } from './frame.ts';
import { FrameReader } from './frame-reader.ts';

interface Frame {
  readonly type: FrameType;
  readonly device: number;
  readonly stream: number;
  readonly payload: string;
}

const anyFrame: fc.Arbitrary<Frame> = fc
  .tuple(
    fc.constantFrom(frameTypes.read, frameTypes.accept, frameTypes.blobData, frameTypes.accepted),
    fc.nat({ max: 0xffff }),
    fc.nat({ max: 0xffff_ffff }),
    fc.oneof(fc.constant(new Uint8Array(0)), fc.uint8Array({ maxLength: 100 })),
  )
  .map(([type, device, stream, bytes]) => ({
    type,
    device,
    stream,
    payload: Buffer.from(bytes).toString('hex'),
  }));

function bytesOf(frames: readonly Frame[]): Buffer {
  return Buffer.concat(
    frames.flatMap(({ type, device, stream, payload }) => {
      const head = Buffer.alloc(HEADER_BYTES);
      const rest = Buffer.from(payload, 'hex');
      sealFrame(head, type, device, stream, [rest]);
      return [head, rest];
    }),
  );
}

/** Cuts `bytes` at the given places, and spoils each chunk once it has been read, as a socket's recycled buffer is. */
function readInChunks(bytes: Buffer, cuts: readonly number[]): { frames: Frame[]; failed: unknown } {
  const frames: Frame[] = [];
  const reader = new FrameReader({
    frame: (type, stream, device, payload) => {
      frames.push({ type, device, stream, payload: payload.toString('hex') });
    },
    takeBuffer: (length) => Buffer.alloc(length + 7, 0xaa),
  });
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  for (let index = 1; index < places.length; index += 1) {
    const chunk = Buffer.from(bytes.subarray(places[index - 1], places[index]));
    try {
      reader.push(chunk);
    } catch (failed) {
      return { frames, failed };
    }
    chunk.fill(0xdd);
  }
  return { frames, failed: undefined };
}

const anyCuts = fc.array(fc.nat(), { maxLength: 40 });

describe('a stream of frames', () => {
  test('is cut into the same frames wherever the network cuts it', () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 12 }), anyCuts, (frames, cuts) => {
        assert.deepEqual(readInChunks(bytesOf(frames), cuts), { frames, failed: undefined });
      }),
    );
  });

  test('arrives byte by byte', () => {
    const frames = fc.sample(anyFrame, { numRuns: 8, seed: 1 });
    const bytes = bytesOf(frames);
    const everywhere = Array.from(bytes, (_, index) => index);
    assert.deepEqual(readInChunks(bytes, everywhere), { frames, failed: undefined });
  });

  test('never yields a frame that was not sent, whichever bit of it has changed', () => {
    const streams = fc.array(anyFrame, { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(streams, anyCuts, fc.nat(), (frames, cuts, place) => {
        const bytes = bytesOf(frames);
        const bit = place % (bytes.length * 8);
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const got = readInChunks(bytes, cuts);
        assert.deepEqual(got.frames, frames.slice(0, got.frames.length));
        assert.ok(got.frames.length < frames.length);
        // A greater length can leave it waiting for bytes that never come; all else is found out.
        if (got.failed !== undefined) assert.ok(hasCode(got.failed, 'protocol-violation'));
        else assert.ok(isWithinLength(frames, bit));
      }),
      { numRuns: 300 },
    );
  });

  test('holds nothing of a frame that is too long', () => {
    const head = Buffer.alloc(HEADER_BYTES);
    sealFrame(head, frameTypes.blobData, 0, 1);
    head.writeUInt32BE(0xffff_ffff, 0);
    const { frames, failed } = readInChunks(head, [3]);
    assert.deepEqual(frames, []);
    assert.ok(hasCode(failed, 'protocol-violation'));
  });
});

/** Whether the bit belongs to the length of one of the frames. */
function isWithinLength(frames: readonly Frame[], bit: number): boolean {
  let at = 0;
  for (const frame of frames) {
    if (bit >> 3 >= at && bit >> 3 < at + 4) return true;
    at += HEADER_BYTES + frame.payload.length / 2;
  }
  return false;
}

describe('the payload of a data frame', () => {
  test('lies in the buffer that was taken for it, and stays there', () => {
    const taken: Buffer[] = [];
    const payloads: Buffer[] = [];
    const reader = new FrameReader({
      frame: (_type, _stream, _device, payload) => payloads.push(payload),
      takeBuffer: (length) => {
        const buffer = Buffer.alloc(length);
        taken.push(buffer);
        return buffer;
      },
    });
    const chunk = bytesOf([
      { type: frameTypes.blobData, device: 1, stream: 2, payload: 'aabb' },
      { type: frameTypes.blobData, device: 1, stream: 2, payload: 'ccdd' },
    ]);
    reader.push(chunk);
    chunk.fill(0);
    assert.deepEqual(
      payloads.map((payload) => payload.toString('hex')),
      ['aabb', 'ccdd'],
    );
    assert.deepEqual(
      payloads.map((payload) => payload.buffer),
      taken.map((buffer) => buffer.buffer),
    );
  });
});
