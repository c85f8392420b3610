import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';

const violation = { code: 'protocol-violation' };

function reader(...bytes: number[]): ByteReader {
  return new ByteReader(Buffer.from(bytes), 'protocol-violation');
}

const fields = fc.record({
  u8: fc.nat({ max: 0xff }),
  u16: fc.nat({ max: 0xffff }),
  u32: fc.nat({ max: 0xffff_ffff }),
  u64: fc.maxSafeNat(),
  flag: fc.boolean(),
  ballot: fc
    .tuple(fc.maxSafeNat(), fc.nat({ max: 2 ** 48 - 1 }))
    .map(([clock, writer]) => ({ clock, writer })),
  hex: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('hex')),
  short: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  raw: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
});

describe('fields', () => {
  test('come back as they were written, behind the room that was reserved', () => {
    fc.assert(
      fc.property(fields, fc.nat({ max: 20 }), (given, reserved) => {
        const size = 1 + 2 + 4 + 8 + 1 + 14 + 16 + 2 + given.short.length + given.raw.length;
        const written = new ByteWriter(size, reserved)
          .u8(given.u8)
          .u16(given.u16)
          .u32(given.u32)
          .u64(given.u64)
          .u8(given.flag ? 1 : 0)
          .ballot(given.ballot)
          .hex(given.hex)
          .short(given.short)
          .raw(given.raw)
          .done();
        assert.equal(written.length, reserved + size);
        const from = new ByteReader(written.subarray(reserved), 'protocol-violation');
        assert.equal(from.u8(), given.u8);
        assert.equal(from.u16(), given.u16);
        assert.equal(from.u32(), given.u32);
        assert.equal(from.u64(), given.u64);
        assert.equal(from.flag(), given.flag);
        assert.deepEqual(from.ballot(), given.ballot);
        assert.equal(from.hex(16), given.hex);
        assert.deepEqual(from.short(300), given.short);
        assert.deepEqual(from.raw(given.raw.length), given.raw);
        assert.equal(from.left, 0);
        from.end();
      }),
    );
  });
});

describe('a reader', () => {
  test('never reads over the end', () => {
    assert.throws(() => reader(1).u16(), violation);
    assert.throws(() => reader(1, 2, 3).u32(), violation);
    assert.throws(() => reader(1, 2, 3, 4, 5, 6, 7).u64(), violation);
    assert.throws(() => reader().u8(), violation);
    assert.throws(() => reader(0, 3, 1, 2).short(10), violation);
    assert.throws(() => reader(1, 2).raw(3), violation);
    assert.throws(() => reader(1, 2).hex(3), violation);
    assert.throws(() => reader(1, 2).ballot(), violation);
  });

  test('refuses what is out of its bounds', () => {
    assert.throws(() => reader(2).flag(), violation);
    assert.throws(() => reader(0, 3, 1, 2, 3).short(2), violation);
    assert.throws(() => reader(0, 0x20, 0, 0, 0, 0, 0, 0).u64(), violation);
    assert.throws(() => reader(0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0).ballot(), violation);
  });

  test('refuses bytes behind the last field', () => {
    const from = reader(1, 2);
    from.u8();
    assert.throws(() => from.end(), violation);
  });

  test('fails with the code of the place its bytes came from', () => {
    const from = new ByteReader(Buffer.alloc(0), 'format-invalid');
    assert.throws(() => from.u8(), { code: 'format-invalid' });
  });
});

describe('a writer', () => {
  test('must be filled, no more and no less', () => {
    assert.throws(() => new ByteWriter(2).u8(1).done(), /wrote 1 of 2 bytes/);
    assert.throws(() => new ByteWriter(1).u16(1), RangeError);
    assert.throws(() => new ByteWriter(1).raw(Buffer.alloc(2)), RangeError);
  });

  test('takes no number that does not fit its field', () => {
    assert.throws(() => new ByteWriter(1).u8(256), RangeError);
    assert.throws(() => new ByteWriter(4).u32(-1), RangeError);
    assert.throws(() => new ByteWriter(2).short(Buffer.alloc(0x1_0000)), RangeError);
  });

  test('does not take half a word for hexadecimal digits', () => {
    assert.throws(() => new ByteWriter(2).hex('12x4').done(), /wrote 1 of 2 bytes/);
  });
});
