import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { childOf, childText, readXml, XmlError } from './reader.ts';
import { XmlWriter } from './writer.ts';

const read = (text: string) => readXml(Buffer.from(text));

test('what is written is read back, whatever the text holds but NUL', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (any) => {
      const text = any.replaceAll('\u0000', '').replace(/[\ud800-\udfff]/gu, '');
      const document = new XmlWriter('Root').open('Outer').element('Text', text).done();
      assert.equal(childText(childOf(read(document), 'Outer') ?? read('<x/>'), 'Text'), text);
    }),
  );
});

test('declarations, namespaces, comments, CDATA and references are understood', () => {
  const root = read(
    '\ufeff<?xml version="1.0" encoding="UTF-8"?>\n<!-- a -->\n<s3:Root xmlns:s3="http://x" a = \'b\'>\r\n' +
      '<A>1&amp;2&#x41;&#66;</A ><B/><A2><![CDATA[<raw>&amp;]]></A2></s3:Root>\n',
  );
  assert.equal(root.name, 'Root');
  assert.equal(childText(root, 'A'), '1&2AB');
  assert.equal(childText(root, 'B'), '');
  assert.equal(childText(root, 'A2'), '<raw>&amp;');
  assert.equal(childText(root, 'None'), undefined);
});

test('what is malformed, undefined or too much is refused', () => {
  for (const text of [
    '',
    'text',
    '<a>',
    '<a></b>',
    '<a/><b/>',
    '<a/>text',
    '<a b></a>',
    '<a b="<"/>',
    '<1/>',
    '<a>&nbsp;</a>',
    '<a>&</a>',
    '<a>&#0;</a>',
    '<a>&#xD800;</a>',
    '<a>&#x110000;</a>',
    '<?xml version="1.0"?><?php x?><a/>',
    '<!DOCTYPE a><a/>',
    '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>',
    '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    '<a'.repeat(20),
    '<a>'.repeat(17) + '</a>'.repeat(17),
    `<a>${'<b/>'.repeat(100_000)}</a>`,
    '<a><![CDATA[x</a>',
    '<a><!-- </a>',
  ]) {
    assert.throws(() => read(text), XmlError, text.slice(0, 80));
  }
  assert.throws(() => readXml(Buffer.from([0x3c, 0x61, 0x3e, 0xff, 0x3c, 0x2f, 0x61, 0x3e])), XmlError);
  assert.throws(() => childText(read('<a><b/><b/></a>'), 'b'), XmlError);
});

test('a large document is read in one pass', () => {
  const part = (number: number) =>
    `<Part><PartNumber>${number}</PartNumber><ETag>"${'0'.repeat(32)}"</ETag></Part>`;
  const parts = Array.from({ length: 10_000 }, (_, index) => part(index + 1)).join('');
  assert.equal(read(`<C>${parts}</C>`).children.length, 10_000);
});
