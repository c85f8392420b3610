/** Random messages and their parts, for the tests of the protocol. */
import fc from 'fast-check';
import type { Ballot } from '#common/ballot.ts';
import { SHARD_PREFIX_BYTES, asRecordKey } from '#common/codec/record-key.ts';
import { blobId } from '#common/ids.ts';
import { type AcceptedState, COUNTED_BYTES_MAX, COUNTED_OBJECTS_MAX } from '../accepted-state.ts';
import { HEADER_BYTES } from '../frame.ts';
import { CONTENT_BYTES_MAX, type EncodedMessage, HISTORY_MAX, SUMMARY_BYTES_MAX } from './message.ts';

const UINT32_MAX = 0xffff_ffff;

/** fast-check's records have no prototype, which a decoded message has. */
export function plain<Item>(
  arbitraries: { [Name in keyof Item]: fc.Arbitrary<Item[Name]> },
): fc.Arbitrary<Item> {
  return fc.record(arbitraries, { noNullPrototype: true }) as fc.Arbitrary<Item>;
}

export const anyBytes = (lengthMax: number, lengthMin = 0): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength: lengthMin, maxLength: lengthMax }).map((bytes) => Buffer.from(bytes));

export const anyU32 = fc.nat({ max: UINT32_MAX });
export const anyBallot: fc.Arbitrary<Ballot> = plain({
  clock: fc.maxSafeNat(),
  writer: fc.nat({ max: 2 ** 48 - 1 }),
});
export const anyRoute = plain({ partition: anyU32, epoch: anyU32 });
export const anyKey = anyBytes(60, SHARD_PREFIX_BYTES).map(asRecordKey);
const anyHexId = anyBytes(16, 16).map((bytes) => bytes.toString('hex'));
export const anyBlobId = anyHexId.map(blobId);

export const anyState: fc.Arbitrary<AcceptedState> = plain({
  ballot: anyBallot,
  history: fc.array(plain({ id: anyHexId, ballot: anyBallot }), { maxLength: HISTORY_MAX }),
  horizon: anyBallot,
  counted: plain({
    objects: fc.nat(COUNTED_OBJECTS_MAX),
    bytes: fc.maxSafeNat().map((bytes) => bytes % (COUNTED_BYTES_MAX + 1)),
  }),
  live: fc.boolean(),
  summary: fc.oneof(anyBytes(80), fc.constant(Buffer.alloc(SUMMARY_BYTES_MAX, 1))),
  // Short contents are copied into the frame's head, longer ones follow it.
  content: fc.oneof(anyBytes(80), anyBytes(2000, 1020), fc.constant(Buffer.alloc(CONTENT_BYTES_MAX, 2))),
});
export const anyOptionalState = fc.option(anyState, { nil: undefined });

/** The payload as the peer gets it. */
export function payloadOf(message: EncodedMessage): Buffer {
  return Buffer.concat([message.head.subarray(HEADER_BYTES), ...message.rest]);
}
