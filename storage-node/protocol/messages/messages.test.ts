import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { HoldfastError, errorCodes } from '#common/errors.ts';
import { type FrameType, frameTypes } from '../frame.ts';
import { type NodeReply, decodeReply } from '../node-reply.ts';
import { decodeAccept, encodeAccept, encodeAccepted, encodeRefused } from './accept.ts';
import {
  WINDOW_BYTES,
  decodeBlobCommit,
  decodeBlobCreate,
  decodeBlobDelete,
  decodeBlobRead,
  decodeCredit,
  encodeBlobCommit,
  encodeBlobCreate,
  encodeBlobDelete,
  encodeBlobDeleted,
  encodeBlobRead,
  encodeCredit,
} from './blob.ts';
import { COUNT_SHARDS_MAX, decodeCount, encodeCount, encodeCounts } from './count.ts';
import { encodeFailed } from './failed.ts';
import { LIST_BLOBS_MAX, decodeListBlobs, encodeBlobs, encodeListBlobs } from './list-blobs.ts';
import { type ListedRow, LIST_ROWS_MAX, decodeList, encodeList, encodeRows, listedRowBytes } from './list.ts';
import {
  anyBallot,
  anyBlobId,
  anyBytes,
  anyKey,
  anyOptionalState,
  anyRoute,
  anyState,
  anyU32,
  payloadOf,
  plain,
} from './message.fixture.ts';
import {
  CONTENT_BYTES_MAX,
  type EncodedMessage,
  SUMMARY_BYTES_MAX,
  emptyMessage,
  smallMessage,
} from './message.ts';
import { decodePrepare, encodePrepare, encodePromised } from './prepare.ts';
import { decodePurge, encodePurge, encodePurged } from './purge.ts';
import { decodeRead, encodeBallotAnswer, encodeRead, encodeStateAnswer } from './read.ts';
import { decodeWalk, encodeWalk, encodeWalked } from './walk.ts';

const RUNS = { numRuns: 50 };
const violation = { code: 'protocol-violation' };

/** Whatever a peer sends, decoding it succeeds or breaks the protocol: nothing else is thrown. */
function withstands(decode: (payload: Buffer) => unknown, valid: Buffer): void {
  const attempt = (payload: Buffer): void => {
    try {
      decode(payload);
    } catch (error) {
      assert.ok(error instanceof HoldfastError && error.code === 'protocol-violation', String(error));
    }
  };
  const sample = valid.subarray(0, 200);
  for (let length = 0; length < sample.length; length += 1) attempt(sample.subarray(0, length));
  for (let at = 0; at < sample.length; at += 1) {
    const broken = Buffer.from(valid);
    broken[at] = (broken[at] ?? 0) ^ 0xff;
    attempt(broken);
  }
  assert.throws(() => decode(Buffer.concat([valid, Buffer.alloc(1)])), violation);
  if (valid.length > 0) assert.throws(() => decode(valid.subarray(0, -1)), violation);
}

function roundTrips<Message>(
  messages: fc.Arbitrary<Message>,
  encode: (message: Message) => EncodedMessage,
  decode: (payload: Buffer) => unknown,
): void {
  let sample: Buffer = Buffer.alloc(0);
  fc.assert(
    fc.property(messages, (message) => {
      const payload = payloadOf(encode(message));
      assert.deepEqual(decode(payload), message);
      sample = payload;
    }),
    RUNS,
  );
  withstands(decode, sample);
}

function reply(type: FrameType): (payload: Buffer) => NodeReply {
  return (payload) => decodeReply(type, payload);
}

describe('a request', () => {
  test('PREPARE', () => {
    const messages = fc.record(
      { type: fc.constant('prepare' as const), route: anyRoute, key: anyKey, ballot: anyBallot },
      { noNullPrototype: true },
    );
    roundTrips(messages, encodePrepare, decodePrepare);
  });

  test('ACCEPT', () => {
    const messages = fc.record(
      { type: fc.constant('accept' as const), route: anyRoute, key: anyKey, state: anyState },
      { noNullPrototype: true },
    );
    roundTrips(messages, encodeAccept, decodeAccept);
  });

  test('READ', () => {
    const messages = fc.record(
      { type: fc.constant('read' as const), route: anyRoute, key: anyKey, ballotOnly: fc.boolean() },
      { noNullPrototype: true },
    );
    roundTrips(messages, encodeRead, decodeRead);
  });

  test('LIST', () => {
    const messages = fc.record(
      {
        type: fc.constant('list' as const),
        route: anyRoute,
        limit: fc.integer({ min: 1, max: LIST_ROWS_MAX }),
        from: anyBytes(60),
        to: anyBytes(60),
        foldOffset: fc.nat({ max: 0xffff }),
        delimiter: anyBytes(5),
      },
      { noNullPrototype: true },
    );
    roundTrips(messages, encodeList, decodeList);
  });

  test('BLOB_CREATE, BLOB_DELETE, BLOB_COMMIT and CREDIT', () => {
    const creations = fc.record({ route: anyRoute, id: anyBlobId, owner: anyKey }, { noNullPrototype: true });
    roundTrips(creations, encodeBlobCreate, decodeBlobCreate);
    const deletions = fc.record({ route: anyRoute, id: anyBlobId }, { noNullPrototype: true });
    roundTrips(deletions, encodeBlobDelete, decodeBlobDelete);
    roundTrips(fc.maxSafeNat(), encodeBlobCommit, decodeBlobCommit);
    roundTrips(anyU32, encodeCredit, decodeCredit);
  });

  test('BLOB_READ', () => {
    const messages = fc
      .record(
        {
          route: anyRoute,
          id: anyBlobId,
          start: fc.nat(),
          end: fc.nat(),
          windowBytes: fc.integer({ min: 1, max: WINDOW_BYTES }),
        },
        { noNullPrototype: true },
      )
      .filter(({ start, end }) => start <= end);
    roundTrips(messages, encodeBlobRead, decodeBlobRead);
  });
});

describe('a request of the upkeep', () => {
  test('COUNT', () => {
    const shard = plain({ route: anyRoute, shard: anyBytes(19, 19) });
    const messages = fc.array(shard).map((shards) => ({ type: 'count' as const, shards }));
    roundTrips(messages, encodeCount, decodeCount);
    const route = { partition: 1, epoch: 1 };
    const shards = Array.from({ length: COUNT_SHARDS_MAX + 1 }, () => ({ route, shard: Buffer.alloc(19) }));
    assert.throws(() => decodeCount(payloadOf(encodeCount({ type: 'count', shards }))), violation);
  });

  test('LIST_BLOBS', () => {
    const messages = plain({
      type: fc.constant('listBlobs' as const),
      after: fc.option(anyBlobId, { nil: undefined }),
      limit: fc.integer({ min: 1, max: LIST_BLOBS_MAX }),
    });
    roundTrips(messages, encodeListBlobs, decodeListBlobs);
  });

  test('WALK and PURGE', () => {
    const walks = plain({
      type: fc.constant('walk' as const),
      from: anyBytes(60),
      clock: fc.maxSafeNat(),
      kinds: fc.array(fc.nat(255), { maxLength: 16 }),
    });
    roundTrips(walks, encodeWalk, decodeWalk);
    const purges = plain({
      type: fc.constant('purge' as const),
      route: anyRoute,
      key: anyKey,
      ballot: anyBallot,
    });
    roundTrips(purges, encodePurge, decodePurge);
  });
});

describe('an answer', () => {
  test('COUNTS, BLOBS, WALKED and PURGED', () => {
    const sums = plain({
      objects: fc.maxSafeNat(),
      bytes: fc.maxSafeNat(),
      digest: fc.bigInt(0n, 2n ** 64n - 1n),
    });
    const counts = fc.array(sums).map((list) => ({ type: 'counts' as const, sums: list }));
    roundTrips(counts, encodeCounts, reply(frameTypes.counts));
    const blob = plain({
      id: anyBlobId,
      lengthBytes: fc.maxSafeNat(),
      createdMs: fc.maxSafeNat(),
      owner: anyKey,
    });
    const blobs = plain({ type: fc.constant('blobs' as const), blobs: fc.array(blob), more: fc.boolean() });
    roundTrips(blobs, encodeBlobs, reply(frameTypes.blobs));
    const row = plain({ live: fc.boolean(), ballot: anyBallot, key: anyKey });
    const walked = plain({
      type: fc.constant('walked' as const),
      rows: fc.array(row),
      next: fc.option(anyBytes(60, 1), { nil: undefined }),
    });
    roundTrips(walked, encodeWalked, reply(frameTypes.walked));
    assert.deepEqual(reply(frameTypes.purged)(payloadOf(encodePurged())), { type: 'purged' });
  });

  test('PROMISED and STATE', () => {
    const states = anyOptionalState;
    roundTrips(
      states.map((state) => ({ type: 'promised' as const, state })),
      encodePromised,
      reply(frameTypes.promised),
    );
    roundTrips(
      states.map((state) => ({ type: 'state' as const, state })),
      encodeStateAnswer,
      reply(frameTypes.state),
    );
  });

  test('REFUSED', () => {
    const messages = fc.maxSafeNat().map((clock) => ({ type: 'refused' as const, clock }));
    roundTrips(messages, encodeRefused, reply(frameTypes.refused));
  });

  test('BALLOT', () => {
    const present = fc
      .tuple(anyBallot, fc.boolean())
      .map(([ballot, live]) => ({ type: 'ballot' as const, ballot, live }));
    roundTrips(present, encodeBallotAnswer, reply(frameTypes.ballot));
    const absent = fc.constant({ type: 'ballot' as const, ballot: undefined, live: false });
    roundTrips(absent, encodeBallotAnswer, reply(frameTypes.ballot));
  });

  test('ROWS', () => {
    const rows: fc.Arbitrary<ListedRow> = fc
      .tuple(anyBytes(40), fc.boolean(), anyBallot, anyBytes(40), fc.option(anyBytes(40), { nil: undefined }))
      .map(([name, live, ballot, summary, witness]) => ({ name, live, ballot, summary, witness }));
    const messages = fc
      .tuple(fc.array(rows), fc.boolean())
      .map(([list, more]) => ({ type: 'rows' as const, rows: list, more }));
    roundTrips(messages, encodeRows, reply(frameTypes.rows));
    fc.assert(
      fc.property(rows, (row) => {
        const alone = payloadOf(encodeRows({ type: 'rows', rows: [row], more: false }));
        assert.equal(alone.length, 5 + listedRowBytes(row));
      }),
    );
  });

  test('ACCEPTED, BLOB_COMMITTED and BLOB_DELETED', () => {
    assert.deepEqual(reply(frameTypes.accepted)(payloadOf(encodeAccepted())), { type: 'accepted' });
    const committed = payloadOf(emptyMessage(frameTypes.blobCommitted));
    assert.deepEqual(reply(frameTypes.blobCommitted)(committed), { type: 'blobCommitted' });
    for (const existed of [false, true]) {
      const payload = payloadOf(encodeBlobDeleted(existed));
      assert.deepEqual(reply(frameTypes.blobDeleted)(payload), { type: 'blobDeleted', existed });
      withstands(reply(frameTypes.blobDeleted), payload);
    }
  });

  test('FAILED with every code of the registry', () => {
    for (const code of Object.keys(errorCodes)) {
      const payload = payloadOf(encodeFailed(new HoldfastError(code as keyof typeof errorCodes, 'why')));
      const failed = reply(frameTypes.failed)(payload);
      assert.ok(failed.type === 'failed');
      assert.equal(failed.error.code, code);
      assert.equal(failed.error.message, 'why');
      withstands(reply(frameTypes.failed), payload);
    }
  });

  test('FAILED of an error that is none of ours, however long its text', () => {
    const payload = payloadOf(encodeFailed(new Error('ä'.repeat(5000))));
    const failed = reply(frameTypes.failed)(payload);
    assert.ok(failed.type === 'failed');
    assert.equal(failed.error.code, 'device-failed');
    assert.ok(payload.length <= 1100);
  });

  test('FAILED of a newer peer, whose code is not known here, ends the request and not the connection', () => {
    const payload = payloadOf(
      smallMessage(frameTypes.failed, 4 + 9 + 3, (into) =>
        into.short(Buffer.from('gone-cold')).short(Buffer.from('why')),
      ),
    );
    const failed = reply(frameTypes.failed)(payload);
    assert.ok(failed.type === 'failed');
    assert.deepEqual([failed.error.code, failed.error.message], ['device-failed', 'gone-cold: why']);
    withstands(reply(frameTypes.failed), payload);
  });

  test('is never a request', () => {
    assert.throws(() => decodeReply(frameTypes.prepare, Buffer.alloc(0)), violation);
    assert.throws(() => decodeReply(frameTypes.blobData, Buffer.alloc(0)), violation);
  });

  test('keeps its bytes when the buffer it came in is used again', () => {
    fc.assert(
      fc.property(anyState, (state) => {
        const payload = payloadOf(encodePromised({ type: 'promised', state }));
        const promised = decodeReply(frameTypes.promised, payload);
        payload.fill(0xdd);
        assert.deepEqual(promised, { type: 'promised', state });
      }),
      RUNS,
    );
  });
});

describe('a bound', () => {
  const route = { partition: 1, epoch: 1 };
  const key = fc.sample(anyKey, { numRuns: 1, seed: 1 })[0];
  const state = fc.sample(anyState, { numRuns: 1, seed: 1 })[0];
  assert.ok(key !== undefined && state !== undefined);

  test('of a state is checked before it is believed', () => {
    const operation = { id: '00'.repeat(16), ballot: { clock: 1, writer: 1 } };
    const tooMuch = [
      { ...state, history: Array.from({ length: 33 }, () => operation) },
      { ...state, summary: Buffer.alloc(SUMMARY_BYTES_MAX + 1) },
      { ...state, content: Buffer.alloc(CONTENT_BYTES_MAX + 1) },
    ];
    for (const each of tooMuch) {
      const payload = payloadOf(encodeAccept({ type: 'accept', route, key, state: each }));
      assert.throws(() => decodeAccept(payload), violation);
    }
  });

  test('of a key, a listing, a window or a range is checked', () => {
    const ballot = { clock: 1, writer: 1 };
    for (const bytes of [18, 4116]) {
      const odd = Buffer.alloc(bytes) as typeof key;
      const payload = payloadOf(encodePrepare({ type: 'prepare', route, key: odd, ballot }));
      assert.throws(() => decodePrepare(payload), violation);
    }
    const list = {
      type: 'list' as const,
      route,
      from: key,
      to: key,
      foldOffset: 0,
      delimiter: Buffer.alloc(0),
    };
    for (const limit of [0, LIST_ROWS_MAX + 1]) {
      assert.throws(() => decodeList(payloadOf(encodeList({ ...list, limit }))), violation);
    }
    const id = fc.sample(anyBlobId, { numRuns: 1, seed: 1 })[0];
    assert.ok(id !== undefined);
    const read = { route, id, start: 0, end: 5, windowBytes: 1 };
    for (const odd of [{ windowBytes: 0 }, { windowBytes: WINDOW_BYTES + 1 }, { start: 6 }]) {
      assert.throws(() => decodeBlobRead(payloadOf(encodeBlobRead({ ...read, ...odd }))), violation);
    }
  });
});
