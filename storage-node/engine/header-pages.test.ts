import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HeaderPage, HeaderPages } from './header-pages.ts';

test('each header has a page of its own until it is released, and is as it came when there is none', () => {
  const pages = new HeaderPages();
  const header = (byte: number): Buffer => Buffer.alloc(4096, byte);
  const held: HeaderPage[] = [];
  let plain: Buffer | undefined;
  while (plain === undefined) {
    const own = header(held.length);
    const page = pages.hold(own);
    if (page.bytes === own) plain = own;
    else held.push(page);
    assert.ok(held.length <= 1000);
  }
  assert.ok(held.length > 8);
  for (const [byte, { bytes }] of held.entries()) {
    assert.ok(bytes.equals(header(byte)));
    assert.equal(bytes.byteOffset % 4096, 0);
  }
  const [first] = held;
  first?.release();
  first?.release();
  const again = pages.hold(header(200));
  assert.equal(again.bytes.byteOffset, first?.bytes.byteOffset);
  const full = header(201);
  assert.equal(pages.hold(full).bytes, full, 'what is released twice is free once');
});
