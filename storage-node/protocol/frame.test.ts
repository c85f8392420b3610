import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  HEADER_BYTES,
  PAYLOAD_BYTES_MAX,
  PROTOCOL_VERSION,
  checksumFits,
  frameTypes,
  readHeader,
  sealFrame,
} from './frame.ts';

const violation = { code: 'protocol-violation' };

function sealedRead(): Buffer {
  const head = Buffer.concat([Buffer.alloc(HEADER_BYTES), Buffer.from('payload')]);
  sealFrame(head, frameTypes.read, 513, 0xfedc_ba98);
  return head;
}

describe('a frame', () => {
  test('has the layout of the page', () => {
    const frame = sealedRead();
    assert.equal(frame.readUInt32BE(0), 7);
    assert.equal(frame[4], PROTOCOL_VERSION);
    assert.equal(frame[5], frameTypes.read);
    assert.equal(frame.readUInt16BE(6), 513);
    assert.equal(frame.readUInt32BE(8), 0xfedc_ba98);
    assert.deepEqual(readHeader(frame, 0), {
      length: 7,
      type: frameTypes.read,
      device: 513,
      stream: 0xfedc_ba98,
      checksum: frame.readUInt32BE(12),
    });
  });

  test('has the same checksum whether its payload lies behind the header or follows in pieces', () => {
    const head = Buffer.concat([Buffer.alloc(HEADER_BYTES), Buffer.from('pay')]);
    sealFrame(head, frameTypes.read, 513, 0xfedc_ba98, [
      Buffer.from('lo'),
      Buffer.alloc(0),
      Buffer.from('ad'),
    ]);
    assert.deepEqual(Buffer.concat([head, Buffer.from('load')]), sealedRead());
  });

  test('is found out when any bit of it has changed', () => {
    const frame = sealedRead();
    const { checksum } = readHeader(frame, 0);
    assert.ok(checksumFits(frame, 0, frame.subarray(HEADER_BYTES), checksum));
    for (let bit = 0; bit < frame.length * 8; bit += 1) {
      if (bit >= 12 * 8 && bit < HEADER_BYTES * 8) continue;
      const broken = Buffer.from(frame);
      broken[bit >> 3] = (broken[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.ok(!checksumFits(broken, 0, broken.subarray(HEADER_BYTES), checksum), `bit ${bit}`);
    }
    assert.ok(!checksumFits(frame, 0, frame.subarray(HEADER_BYTES), checksum ^ 1));
  });

  test('of another version, of an unknown type or of too great a length is refused', () => {
    for (const [at, byte] of [
      [4, PROTOCOL_VERSION + 1],
      [5, 0],
      [5, 255],
      [1, 0x20],
    ] as const) {
      const frame = sealedRead();
      frame[at] = byte;
      assert.throws(() => readHeader(frame, 0), violation);
    }
  });

  test('is never sealed with more than it may carry', () => {
    const head = Buffer.alloc(HEADER_BYTES);
    sealFrame(head, frameTypes.accept, 0, 1, [Buffer.alloc(PAYLOAD_BYTES_MAX)]);
    assert.equal(readHeader(head, 0).length, PAYLOAD_BYTES_MAX);
    assert.throws(
      () => sealFrame(head, frameTypes.accept, 0, 1, [Buffer.alloc(PAYLOAD_BYTES_MAX), Buffer.alloc(1)]),
      RangeError,
    );
  });

  test('has a type that no other has', () => {
    const numbers = Object.values(frameTypes);
    assert.equal(new Set(numbers).size, numbers.length);
  });
});
