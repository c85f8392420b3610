import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { OperationFailure } from './operation-failure.ts';
import { headerValue, type ResponseHead, ResponseReader } from './response-reader.ts';

interface Reading {
  readonly head: ResponseHead | undefined;
  readonly body: string;
}

/** Feeds `text` cut at the places given, each piece through the same recycled buffer. */
function read(text: string, cuts: readonly number[], withoutBody = false): Reading {
  const reader = new ResponseReader();
  const recycled = Buffer.alloc(text.length);
  let body = '';
  reader.expect(withoutBody, {
    begin: () => undefined,
    data: (chunk, from, to) => {
      body += chunk.toString('latin1', from, to);
    },
  });
  const places = [0, ...cuts.map((cut) => cut % (text.length + 1)).toSorted((a, b) => a - b), text.length];
  let head: ResponseHead | undefined;
  for (const [index, end] of places.slice(1).entries()) {
    const length = recycled.write(text.slice(places[index], end), 'latin1');
    if (length > 0) head = reader.push(recycled, length);
    recycled.fill('#');
  }
  return { head: head ?? reader.endOfStream(), body };
}

const cuts = fc.array(fc.nat(), { maxLength: 12 });

for (const [title, text, status, body] of [
  [
    'a body of announced length',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: "x"\r\n\r\nhello',
    200,
    'hello',
  ],
  [
    'a chunked body with extensions and trailers',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0a\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n',
    200,
    'abc0123456789',
  ],
  ['no body at all', 'HTTP/1.1 204 No Content\r\n\r\n', 204, ''],
  [
    'an interim answer before the final one',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200\r\ncontent-length:2\r\n\r\nok',
    200,
    'ok',
  ],
  ['a body until the connection closes', 'HTTP/1.0 200 OK\r\n\r\nall of it', 200, 'all of it'],
] as const)
  test(`${title} is read alike however it is cut`, () => {
    fc.assert(
      fc.property(cuts, (places) => {
        const reading = read(text, places);
        assert.equal(reading.head?.status, status);
        assert.equal(reading.body, body);
      }),
    );
  });

test('the answer to a HEAD ends with its header, whatever length it announces', () => {
  const { head, body } = read('HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n', [], true);
  assert.equal(head?.contentLength, 4096);
  assert.equal(body, '');
});

test('headers are found whatever the case of their names, and only by their whole names', () => {
  const { head } = read('HTTP/1.1 200 OK\r\nX-ETag: no\r\neTaG:  "Abc" \r\nContent-Length: 0\r\n\r\n', []);
  assert.ok(head !== undefined);
  assert.equal(headerValue(head, 'etag'), '"Abc"');
  assert.equal(headerValue(head, 'tag'), undefined);
});

test('a connection to be closed is known as such', () => {
  const closes = (text: string): boolean | undefined => read(text, []).head?.closes;
  assert.equal(closes('HTTP/1.1 204 N\r\n\r\n'), false);
  assert.equal(closes('HTTP/1.1 204 N\r\nConnection: Close\r\n\r\n'), true);
  assert.equal(closes('HTTP/1.0 204 N\r\n\r\n'), true);
});

test('what is no response, or more than one, is refused', () => {
  for (const text of [
    'SSH-2.0-OpenSSH_9.9\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n',
    `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(20_000)}`,
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${'0'.repeat(2000)}`,
  ])
    assert.throws(
      () => read(text, []),
      (error) => error instanceof OperationFailure && error.kind === 'response-malformed',
      text.slice(0, 50),
    );
});

test('a response that breaks off is not taken for complete', () => {
  assert.equal(read('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell', []).head, undefined);
  assert.equal(
    read('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', []).head,
    undefined,
  );
});

test('what a server sends to a HEAD behind its header breaks nothing, and the connection is spent', () => {
  const head = 'HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n';
  for (const rest of ['', '0\r\n\r\n']) {
    const found = read(head + rest, [], true);
    assert.equal(found.head?.status, 404);
    assert.equal(found.head.closes, true);
    assert.equal(found.body, '');
  }
});
