import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { targetSpecOf } from '../targets/target-spec.ts';
import { capacityOf, read16, readCapacity, write16 } from './block-commands.ts';
import { parseIscsiUrl } from './iscsi-target.ts';
import { chapResponse } from './login.ts';
import { header, pairsOf, parseHeader, textOf, writeLun } from './pdu.ts';
import { PduReader } from './pdu-reader.ts';

describe('PDUs', () => {
  test('are found however they are cut, with their data where it is wanted', () => {
    const data = Buffer.from('seven b');
    const first = header(0x25, 0x80, data.length);
    first.writeUInt32BE(77, 16);
    const second = header(0x20, 0x80, 0);
    const wire = Buffer.concat([first, data, Buffer.alloc(1), second]);
    for (let piece = 1; piece <= wire.length; piece++) {
      const place = Buffer.alloc(data.length);
      const seen: string[] = [];
      const reader = new PduReader({
        place: ({ opcode }) => (opcode === 0x25 ? place : undefined),
        received: ({ opcode, taskTag }, bytes) => seen.push(`${opcode} ${taskTag} ${bytes.toString()}`),
      });
      for (let at = 0; at < wire.length; at += piece) reader.push(wire.subarray(at, at + piece));
      assert.deepEqual(seen, ['37 77 seven b', '32 0 ']);
      assert.ok(place.equals(data));
    }
  });

  test('that promise more than was asked for are refused', () => {
    const reader = new PduReader({ place: () => Buffer.alloc(4), received: () => undefined });
    assert.throws(() => reader.push(header(0x25, 0, 5)), /more data came/);
    const other = new PduReader({ place: () => undefined, received: () => undefined });
    assert.throws(() => other.push(header(0x21, 0, 0xffffff)), /a PDU of/);
  });

  test('carry their fields where RFC 7143 has them', () => {
    const bytes = header(0x03, 0x87, 300, true);
    writeLun(bytes, 5);
    assert.deepEqual([...bytes.subarray(0, 10)], [0x43, 0x87, 0, 0, 0, 0, 1, 44, 0, 5]);
    assert.equal(parseHeader(bytes).opcode, 0x03);
    assert.deepEqual(pairsOf(textOf({ AuthMethod: 'CHAP,None', A: 'b=c' })), {
      AuthMethod: 'CHAP,None',
      A: 'b=c',
    });
  });
});

describe('commands', () => {
  test('address blocks with 64 bits', () => {
    assert.deepEqual([...read16(0x1_0000_0002, 8)], [0x88, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 8, 0, 0]);
    assert.equal(write16(0, 1)[0], 0x8a);
    assert.deepEqual([...readCapacity().subarray(0, 2)], [0x9e, 0x10]);
    const answer = Buffer.alloc(32);
    answer.writeBigUInt64BE(1023n, 0);
    answer.writeUInt32BE(4096, 8);
    assert.deepEqual(capacityOf(answer), { blocks: 1024, blockBytes: 4096 });
  });
});

describe('a logical unit', () => {
  test('answers the challenge of CHAP as RFC 1994 says', () => {
    const challenge = Buffer.from('0123456789abcdef');
    const expected = createHash('md5')
      .update(Buffer.concat([Buffer.from([7]), Buffer.from('secret'), challenge]))
      .digest('hex');
    assert.equal(chapResponse(7, 'secret', challenge), `0x${expected}`);
  });

  test('is named by a URL, and written over only when that was said', () => {
    assert.deepEqual(parseIscsiUrl('iscsi://host:3261/iqn.2026-01.org:disk/3'), {
      host: 'host',
      port: 3261,
      target: 'iqn.2026-01.org:disk',
      lun: 3,
    });
    assert.equal(parseIscsiUrl('iscsi://host/iqn.2026-01.org:disk/0')?.port, 3260);
    assert.equal(parseIscsiUrl('iscsi://host'), undefined);
    const target = 'iscsi://host/iqn.2026-01.org:disk/1';
    assert.throws(() => targetSpecOf({ target }, {}), /--overwrite/);
    assert.throws(() => targetSpecOf({ target: 'iscsi://host' }, {}), /not a logical unit/);
    assert.equal(targetSpecOf({ target, overwrite: true }, {}).scheme, 'iscsi');
  });
});
