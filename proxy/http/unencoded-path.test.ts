/** Paths with bytes above 0x7F that are not percent-encoded, as old clients of Swift send them. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { ada, openTestBed, type TestBed } from '#proxy/swift/swift-test-bed.ts';

let bed: TestBed;
before(async () => {
  bed = await openTestBed();
});
after(() => bed[Symbol.asyncDispose]());

/** Sends bytes as they are; resolves to all that comes back until the server closes. */
function exchange(head: string, body = ''): Promise<string> {
  const token = bed.context.tokens.issue(ada, Date.now()).text;
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(bed.port, '127.0.0.1');
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
    const lines = [head, 'Host: 127.0.0.1', 'Connection: keep-alive', `X-Auth-Token: ${token}`];
    socket.write(
      Buffer.from(`${lines.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body}`, 'latin1'),
    );
  });
}

const bytes = (text: string) => Buffer.from(text).toString('latin1');

test('a container is made under the name that the bytes spell, and the connection ends', async () => {
  const answer = await exchange(bytes('PUT /v1/AUTH_sky/schön-☃ HTTP/1.1'));
  assert.match(answer, /^HTTP\/1\.1 201 Created\r\n/);
  assert.match(answer, /\r\nConnection: close\r\n/i);
  assert.equal((await bed.send({ path: '' })).text, 'schön-☃\n');
});

test('bytes that spell nothing are refused, in Swift’s form', async () => {
  const answer = await exchange('PUT /v1/AUTH_sky/\u00ff\u00fe HTTP/1.1');
  assert.match(answer, /^HTTP\/1\.1 412 .*Invalid UTF8 or contains NULL$/s);
});

test('other doors’ paths, and heads that do not come whole, are refused as before', async () => {
  for (const line of [bytes('GET /bücket/key HTTP/1.1'), bytes('GET /v1/ü HTTP/9.9')]) {
    assert.match(await exchange(line), /^HTTP\/1\.1 400 /);
  }
});
