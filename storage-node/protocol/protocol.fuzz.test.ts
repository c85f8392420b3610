/** Whatever a peer sends: frames that were damaged are found, messages are decoded or a violation, and nothing is big. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hasCode } from '#common/errors.ts';
import { anyBytes, damaged, flipped, fuzz, onlyRefuses } from '#common/fuzz.fixture.ts';
import { type FrameType, frameTypes, HEADER_BYTES, PAYLOAD_BYTES_MAX, sealFrame } from './frame.ts';
import { FrameReader } from './frame-reader.ts';
import { ClientHandshake, ServerHandshake } from './handshake.ts';
import { decodeAccept, encodeAccept } from './messages/accept.ts';
import {
  decodeBlobCommit,
  decodeBlobCreate,
  decodeBlobDelete,
  decodeBlobRead,
  decodeCredit,
} from './messages/blob.ts';
import { decodeList } from './messages/list.ts';
import { anyKey, anyRoute, anyState, payloadOf } from './messages/message.fixture.ts';
import { decodePrepare, encodePromised } from './messages/prepare.ts';
import { decodeRead } from './messages/read.ts';
import { decodeReply } from './node-reply.ts';

const isViolation = (error: unknown) => hasCode(error, 'protocol-violation');
const anyType = fc.constantFrom(...Object.values(frameTypes));

interface Frame {
  readonly type: FrameType;
  readonly device: number;
  readonly stream: number;
  readonly payload: Buffer;
}

const anyFrame: fc.Arbitrary<Frame> = fc
  .tuple(anyType, fc.nat(0xffff), fc.nat(0xffff_ffff), anyBytes(300))
  .map(([type, device, stream, payload]) => ({ type, device, stream, payload }));

function sealed({ type, device, stream, payload }: Frame): Buffer {
  const head = Buffer.alloc(HEADER_BYTES);
  sealFrame(head, type, device, stream, [payload]);
  return Buffer.concat([head, payload]);
}

/** What a reader makes of bytes that arrive in pieces of `step`. */
function read(bytes: Buffer, step: number): Frame[] {
  const frames: Frame[] = [];
  const reader = new FrameReader({
    frame: (type, stream, device, payload) => {
      frames.push({ type, device, stream, payload: Buffer.from(payload) });
    },
    takeBuffer: (length) => {
      assert.ok(length <= PAYLOAD_BYTES_MAX);
      return Buffer.alloc(length);
    },
  });
  onlyRefuses(() => {
    for (let at = 0; at < bytes.length; at += step) reader.push(Buffer.from(bytes.subarray(at, at + step)));
  }, isViolation);
  return frames;
}

test('frames come out as they went in, however they were cut', (t) => {
  fuzz(
    t,
    fc.property(fc.array(anyFrame, { maxLength: 6 }), fc.integer({ min: 1, max: 400 }), (frames, step) => {
      assert.deepEqual(read(Buffer.concat(frames.map(sealed)), step), frames);
    }),
  );
});

test('of damaged frames none comes out that did not go in', (t) => {
  fuzz(
    t,
    fc.property(anyFrame, anyFrame, fc.nat(), fc.nat(7), (first, second, at, bit) => {
      const bytes = sealed(first);
      const found = read(Buffer.concat([flipped(bytes, at, bit), sealed(second)]), 64);
      assert.deepEqual(found, []);
    }),
  );
  const stream = fc
    .array(anyFrame, { minLength: 1, maxLength: 4 })
    .map((frames) => Buffer.concat(frames.map(sealed)));
  fuzz(
    t,
    fc.property(fc.oneof(damaged(stream), anyBytes(200)), fc.integer({ min: 1, max: 100 }), (bytes, step) => {
      read(bytes, step);
    }),
  );
});

const decoders: readonly ((payload: Buffer) => unknown)[] = [
  decodePrepare,
  decodeAccept,
  decodeRead,
  decodeList,
  decodeBlobCreate,
  decodeBlobCommit,
  decodeBlobRead,
  decodeBlobDelete,
  decodeCredit,
  ...Object.values(frameTypes).map((type) => (payload: Buffer) => decodeReply(type, payload)),
];

test('any payload of any message is decoded, or a violation', (t) => {
  const anyMessage = fc.oneof(
    fc
      .tuple(anyRoute, anyKey, anyState)
      .map(([route, key, state]) => payloadOf(encodeAccept({ type: 'accept', route, key, state }))),
    anyState.map((state) => payloadOf(encodePromised({ type: 'promised', state }))),
  );
  fuzz(
    t,
    fc.property(fc.oneof(anyBytes(200), damaged(anyMessage)), (payload) => {
      for (const decode of decoders) onlyRefuses(() => decode(payload), isViolation);
    }),
    150,
  );
});

test('a handshake with a stranger ends in a refusal', (t) => {
  const key = Buffer.alloc(32, 1);
  const isRefusal = (error: unknown) => isViolation(error) || hasCode(error, 'peer-unauthenticated');
  fuzz(
    t,
    fc.property(fc.array(fc.tuple(anyType, anyBytes(80)), { maxLength: 4 }), (frames) => {
      const server = new ServerHandshake(key, Buffer.alloc(32, 2));
      const client = new ClientHandshake(key, 'small', Buffer.alloc(32, 3));
      onlyRefuses(() => {
        for (const [type, payload] of frames) assert.equal(server.answer(type, payload).done, false);
      }, isRefusal);
      onlyRefuses(() => {
        for (const [type, payload] of frames) assert.notEqual(client.answer(type, payload), 'done');
      }, isRefusal);
    }),
  );
});
