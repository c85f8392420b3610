/** Whatever a disk gives back: what was written is read, what was damaged is found, and a scan always ends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HoldfastError } from '#common/errors.ts';
import { anyBytes, damaged, flipped, fuzz, onlyRefuses } from '#common/fuzz.fixture.ts';
import { MemoryFiles } from '#common/io/memory-files.ts';
import { anyBlobId, anyKey, anyState } from '../protocol/messages/message.fixture.ts';
import {
  BLOB_BYTES_MAX,
  blobEndBytes,
  blockCount,
  decodeBlobEnd,
  encodeBlobEnd,
  TRAILER_BYTES,
} from './blob-format.ts';
import { decodeCheckpoint, decodeRow, encodeCheckpoint, encodeRow } from './index-row.ts';
import { decodeState, encodeRecord, entryKey, isEntryIntact, placeEntry } from './log-format.ts';
import { scanSegment } from './log-scan.ts';
import { decodeSegmentHeader, encodeSegmentHeader } from './segment-header.ts';

const isOurs = (error: unknown) => error instanceof HoldfastError;
const SEGMENT = 7;

const smallState = anyState.map((state) => ({ ...state, content: state.content.subarray(0, 3000) }));

function written(
  key: Buffer,
  state: Parameters<typeof encodeRecord>[1],
  offset: number,
  group: number,
): Buffer {
  const entry = encodeRecord(key, state);
  placeEntry(entry, SEGMENT, offset, group);
  return Buffer.concat([entry.head, entry.tail ?? Buffer.alloc(0)]);
}

test('an entry of the log is read as it was written, at its place only, and no flipped bit is missed', (t) => {
  fuzz(
    t,
    fc.property(
      anyKey,
      smallState,
      fc.nat(0xffff_ffff),
      fc.nat(),
      fc.nat(7),
      (key, state, offset, at, bit) => {
        const bytes = written(key, state, offset, 64);
        assert.ok(isEntryIntact(bytes, SEGMENT, offset));
        assert.deepEqual(decodeState(bytes), state);
        assert.ok(entryKey(bytes).equals(key));
        assert.ok(!isEntryIntact(flipped(bytes, at, bit), SEGMENT, offset));
        assert.ok(!isEntryIntact(bytes, SEGMENT, (offset + 1) % 2 ** 32));
      },
    ),
  );
});

test('a scan of a damaged segment ends, and shows only entries that were written there', async (t) => {
  const content = fc.array(fc.tuple(anyKey, smallState), { minLength: 1, maxLength: 5 }).map((records) => {
    let bytes: Buffer = Buffer.alloc(64);
    for (const [key, state] of records) {
      bytes = Buffer.concat([bytes, written(key, state, bytes.length, bytes.length)]);
    }
    return bytes;
  });
  const segments = content.chain((whole) =>
    fc.tuple(fc.constant(whole), damaged(fc.constant(whole)), fc.boolean()),
  );
  await fuzz(
    t,
    fc.asyncProperty(segments, async ([whole, bytes, sealed]) => {
      const files = new MemoryFiles();
      const file = await files.open('/segment', 'create');
      await file.write([bytes], 0);
      let at = 64;
      const visit = (entry: Buffer, offset: number): undefined => {
        assert.ok(offset >= at);
        assert.ok(whole.subarray(offset, offset + entry.length).equals(entry), 'an entry that nobody wrote');
        at = offset + entry.length;
      };
      const sizeBytes = bytes.length;
      const corrupt = (offset: number, length: number) =>
        assert.ok(length > 0 && offset + length <= sizeBytes);
      const result = await scanSegment({
        file,
        segment: SEGMENT,
        from: 64,
        sizeBytes,
        sealed,
        visit,
        corrupt,
      });
      assert.ok(result.end <= Math.max(64, sizeBytes));
    }),
    60,
  );
});

test('rows, checkpoints and headers of segments are read as written, or known to be damaged', (t) => {
  const row = fc
    .tuple(smallState, fc.nat(0xffff_ffff), fc.nat(0xffff_ffff))
    .map(([{ live, ballot, counted, summary }, segment, offset]) => {
      return { live, ballot, counted, summary, segment, offset, length: 99 };
    });
  const header = fc
    .tuple(fc.option(fc.nat(1000)), fc.nat(0xffff_ffff), fc.maxSafeNat())
    .map(([device, segment, ceiling]) => {
      return { device, segment, previous: 3, previousBytes: 77, createdMs: 1_700_000_000_000, ceiling };
    });
  fuzz(
    t,
    fc.property(row, header, fc.nat(), fc.nat(7), (one, two, at, bit) => {
      const rowBytes = encodeRow(one);
      assert.deepEqual(decodeRow(rowBytes), one);
      assert.throws(() => decodeRow(flipped(rowBytes, at, bit)), isOurs);
      const headerBytes = encodeSegmentHeader(two);
      assert.deepEqual(decodeSegmentHeader(headerBytes), two);
      assert.equal(decodeSegmentHeader(flipped(headerBytes, at, bit)), undefined);
      const mark = { segment: two.segment, offset: one.offset, ceiling: two.ceiling };
      const markBytes = encodeCheckpoint(mark);
      assert.deepEqual(decodeCheckpoint(markBytes), mark);
      assert.equal(decodeCheckpoint(flipped(markBytes, at, bit)), undefined);
    }),
  );
  fuzz(
    t,
    fc.property(anyBytes(100), (bytes) => {
      onlyRefuses(() => decodeRow(bytes), isOurs);
      onlyRefuses(() => decodeSegmentHeader(bytes), isOurs);
      decodeCheckpoint(bytes);
    }),
  );
});

test("a blob's end is read as written, or known to be damaged, and never believed before it is checked", (t) => {
  const end = fc.tuple(anyBlobId, fc.nat(300_000), anyKey).map(([id, lengthBytes, owner]) => {
    const info = { id, lengthBytes, createdMs: 1_700_000_000_000, owner };
    return {
      info,
      bytes: encodeBlobEnd(
        info,
        Array.from({ length: blockCount(lengthBytes) }, (_, block) => block),
      ),
    };
  });
  fuzz(
    t,
    fc.property(end, fc.nat(), fc.nat(7), ({ info, bytes }, at, bit) => {
      assert.equal(blobEndBytes(bytes.subarray(-TRAILER_BYTES)), bytes.length);
      assert.deepEqual(decodeBlobEnd(bytes).info, info);
      assert.throws(() => decodeBlobEnd(flipped(bytes, at, bit)), isOurs);
    }),
  );
  fuzz(
    t,
    fc.property(damaged(end.map(({ bytes }) => bytes)), (bytes) => {
      const length = onlyRefuses(() => blobEndBytes(bytes.subarray(-TRAILER_BYTES)), isOurs);
      if (length !== undefined) assert.ok(length <= blockCount(BLOB_BYTES_MAX) * 4 + 0xffff + TRAILER_BYTES);
      if (length !== undefined && length <= bytes.length)
        onlyRefuses(() => decodeBlobEnd(bytes.subarray(bytes.length - length)), isOurs);
    }),
  );
});
