import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { TextBuffer } from './text-buffer.ts';

test('whatever the pieces, the bytes are those of the text', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.nat({ max: 9000 }).map((length) => 'é'.repeat(length)),
    fc.constant('\u{1f600}'.repeat(2100)),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const buffer = new TextBuffer();
      for (const each of pieces) buffer.add(each);
      const text = pieces.join('');
      assert.equal(buffer.text(), text);
      assert.ok(buffer.bytes().equals(Buffer.from(text)));
    }),
    { numRuns: 30 },
  );
});
