import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type FrameType, frameTypes } from '../frame.ts';
import { type NodeReply, decodeReply } from '../node-reply.ts';
import {
  DROP_NAMES_MAX,
  decodeCopyBegin,
  decodeDrop,
  decodeTakeFloor,
  encodeCopyBegin,
  encodeCopyReady,
  encodeDrop,
  encodeDropped,
  encodeTakeFloor,
} from './copy.ts';
import { type HeldKind, decodeHeld, encodeHeld, encodeNames, heldNameBytes } from './held.ts';
import { decodeLearn, encodeLearn } from './learn.ts';
import { decodeRepair, encodeRepair } from './repair.ts';
import { anyBytes, anyKey, anyRoute, anyState, anyU32, payloadOf, plain } from './message.fixture.ts';
import type { EncodedMessage } from './message.ts';

const RUNS = { numRuns: 50 };
const violation = { code: 'protocol-violation' };
const anyKind = fc.constantFrom<HeldKind>('shards', 'blobs');

function namesOf(kind: HeldKind, maxLength: number): fc.Arbitrary<Buffer[]> {
  const bytes = heldNameBytes(kind);
  return fc.array(anyBytes(bytes, bytes), { maxLength });
}

function comesBack<Message>(
  messages: fc.Arbitrary<Message>,
  encode: (message: Message) => EncodedMessage,
  decode: (payload: Buffer) => Message,
): void {
  fc.assert(
    fc.property(messages, (message) => {
      const payload = payloadOf(encode(message));
      assert.deepEqual(decode(payload), message);
      assert.throws(() => decode(payload.subarray(0, -1)), violation);
      assert.throws(() => decode(Buffer.concat([payload, Buffer.of(0)])), violation);
    }),
    RUNS,
  );
}

function answered<Reply extends NodeReply>(
  replies: fc.Arbitrary<Reply>,
  encode: (reply: Reply) => EncodedMessage,
): void {
  comesBack(replies, encode, (payload) => {
    const type = encode(fc.sample(replies, 1)[0] as Reply).type as FrameType;
    return decodeReply(type, payload) as Reply;
  });
}

describe('the messages that move a partition', () => {
  test('ask for the beginning of a copy, a floor, and a drop', () => {
    const copyBegin = { type: fc.constant('copyBegin' as const), route: anyRoute };
    comesBack(plain(copyBegin), encodeCopyBegin, decodeCopyBegin);
    const takeFloor = { type: fc.constant('takeFloor' as const), route: anyRoute, clock: fc.maxSafeNat() };
    comesBack(plain(takeFloor), encodeTakeFloor, decodeTakeFloor);
    const drops = anyKind.chain((kind) =>
      plain({
        type: fc.constant('drop' as const),
        route: anyRoute,
        kind: fc.constant(kind),
        names: namesOf(kind, DROP_NAMES_MAX),
      }),
    );
    comesBack(drops, encodeDrop, decodeDrop);
  });

  test('teach a decided state', () => {
    const learn = { type: fc.constant('learn' as const), route: anyRoute, key: anyKey, state: anyState };
    comesBack(plain(learn), encodeLearn, decodeLearn);
    const repair = { ...learn, type: fc.constant('repair' as const) };
    comesBack(plain(repair), encodeRepair, decodeRepair);
  });

  test('ask for the names of what a device holds', () => {
    const held = anyKind.chain((kind) => {
      const bytes = heldNameBytes(kind);
      return plain({
        type: fc.constant('held' as const),
        kind: fc.constant(kind),
        after: fc.option(anyBytes(bytes, bytes), { nil: undefined }),
        limit: fc.integer({ min: 1, max: 20_000 }),
      });
    });
    comesBack(held, encodeHeld, decodeHeld);
  });

  test('are answered', () => {
    const ready = { type: fc.constant('copyReady' as const), bound: fc.maxSafeNat(), uploads: anyU32 };
    answered(plain(ready), encodeCopyReady);
    answered(plain({ type: fc.constant('dropped' as const), more: fc.boolean() }), encodeDropped);
    const names = anyKind.chain((kind) =>
      plain({ type: fc.constant('names' as const), names: namesOf(kind, 30), more: fc.boolean() }),
    );
    answered(names, encodeNames);
  });

  test('are refused beyond their bounds', () => {
    const route = { partition: 1, epoch: 1 };
    const name = Buffer.alloc(16);
    const many = { type: 'drop', route, kind: 'blobs', names: Array(DROP_NAMES_MAX + 1).fill(name) } as const;
    assert.throws(() => decodeDrop(payloadOf(encodeDrop(many))), violation);
    const short = { type: 'held', kind: 'shards', after: Buffer.alloc(5), limit: 1 } as const;
    assert.throws(() => decodeHeld(payloadOf(encodeHeld(short))), violation);
    assert.throws(
      () => decodeHeld(payloadOf(encodeHeld({ ...short, after: undefined, limit: 0 }))),
      violation,
    );
    assert.equal(frameTypes.learn, 55);
  });
});
