import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { spaceId } from '#common/ids.ts';
import {
  NAME_BYTES_MAX,
  SHARD_PREFIX_BYTES,
  asRecordKey,
  recordKey,
  recordKinds,
  recordName,
  recordSpace,
  shardPrefix,
} from './record-key.ts';

const space = spaceId('00112233445566778899aabbccddeeff');

describe('the key of a record', () => {
  test('holds its space, kind, shard and name', () => {
    const names = fc.string({ unit: 'grapheme', maxLength: 50 });
    fc.assert(
      fc.property(names, fc.nat({ max: 0xffff }), (name, shard) => {
        const key = recordKey(space, recordKinds.object, shard, name);
        assert.equal(recordSpace(key), space);
        assert.equal(key[16], recordKinds.object);
        assert.equal(key.readUInt16BE(17), shard);
        assert.equal(recordName(key), name);
        assert.deepEqual(key.subarray(0, SHARD_PREFIX_BYTES), shardPrefix(space, recordKinds.object, shard));
        assert.equal(asRecordKey(Buffer.from(key)).compare(key), 0);
      }),
    );
  });

  test('sorts within its shard as the bytes of the names do, not as JavaScript compares strings', () => {
    const names = ['\u{1f600}', 'b', '\uffee', 'a', 'a/b', ''];
    const keys = names
      .map((name) => recordKey(space, recordKinds.object, 3, name))
      .sort((a, b) => Buffer.compare(a, b));
    assert.deepEqual(keys.map(recordName), ['', 'a', 'a/b', 'b', '\uffee', '\u{1f600}']);
  });

  test('has at most 4,096 bytes of name, however few characters these are', () => {
    const longest = 'ä'.repeat(NAME_BYTES_MAX / 2);
    assert.equal(recordName(recordKey(space, recordKinds.object, 0, longest)), longest);
    assert.throws(() => recordKey(space, recordKinds.object, 0, `${longest}.`), RangeError);
  });

  test('is not taken from bytes that are too few or too many', () => {
    assert.throws(() => asRecordKey(Buffer.alloc(SHARD_PREFIX_BYTES - 1)), RangeError);
    assert.throws(() => asRecordKey(Buffer.alloc(SHARD_PREFIX_BYTES + NAME_BYTES_MAX + 1)), RangeError);
  });
});
