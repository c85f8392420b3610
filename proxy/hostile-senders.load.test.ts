/** What is no proper HTTP, or not meant well: answered, bounded, and followed by a server that serves the next. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { exchange, headOf } from './s3/raw-requests.fixture.ts';
import { retainedBytes } from './s3/retained-memory.fixture.ts';
import { openTestBed, type TestBed } from './s3/s3-test-bed.ts';

const HOST = 'Host: x\r\n';

async function openWithBucket(): Promise<TestBed> {
  const bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/box' });
  return bed;
}

/** The status and the Code of what comes back for `text`; the connection must be closed behind it. */
async function refusal(bed: TestBed, text: string): Promise<string> {
  const answer = await exchange(bed, (socket) => socket.write(text, 'latin1'));
  assert.equal(answer.match(/^HTTP\/1\.1 /gm)?.length, 1, `one answer, and no more: ${answer}`);
  return `${answer.slice(9, 12)} ${/<Code>(\w+)<\/Code>/.exec(answer)?.[1]}`;
}

async function stillServes(bed: TestBed): Promise<void> {
  const put = await bed.send({ method: 'PUT', path: '/box/next', body: 'served' });
  assert.equal(put.status, 200, put.text);
  assert.equal((await bed.send({ method: 'GET', path: '/box/next' })).text, 'served');
  assert.deepEqual(bed.complaints, []);
}

test('two readers could see two requests in these heads: each is refused, and the connection closed', async () => {
  await using bed = await openWithBucket();
  const smuggled = 'DELETE /box HTTP/1.1\r\nHost: x\r\n\r\n';
  const invalid = [
    'Content-Length: 5\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: chunked\r\nContent-Length: 5',
    'Content-Length: 5\r\nContent-Length: 6',
    'Content-Length: 5\r\nContent-Length: 5',
    'Content-Length: 5, 5',
    'Content-Length: +5',
    'Content-Length: 0x5',
    'Content-Length: -5',
    'Content-Length: ',
    'Content-Length: 99999999999999999999',
    'Content-Length : 5',
    'Content-Length\u0000: 5',
    'Transfer-Encoding: chunked, identity',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding:\r\n chunked',
    'X-Folded: a\r\n b',
    'X-Bare: a\rb',
    'X-Line: a\nContent-Length: 5',
    'X-Nul: a\u0000b',
    ': no name',
    'No colon',
    'Host: y',
  ];
  for (const header of invalid) {
    const text = `PUT /box/k HTTP/1.1\r\n${HOST}${header}\r\n\r\n0\r\n\r\n${smuggled}`;
    assert.equal(await refusal(bed, text), '400 InvalidRequest', JSON.stringify(header));
  }
  for (const coding of ['gzip', 'gzip, chunked', 'xchunked', 'identity']) {
    const text = `PUT /box/k HTTP/1.1\r\n${HOST}Transfer-Encoding: ${coding}\r\n\r\n0\r\n\r\n${smuggled}`;
    assert.equal(await refusal(bed, text), '501 NotImplemented', coding);
  }
  await stillServes(bed);
});

test('methods, versions and targets that are not S3 are answered as such', async () => {
  await using bed = await openWithBucket();
  const close = 'Connection: close\r\n\r\n';
  const cases: [string, string][] = [
    [`CONNECT x:80 HTTP/1.1\r\n${HOST}\r\n`, '405 MethodNotAllowed'],
    [`BREW /box HTTP/1.1\r\n${HOST}\r\n`, '405 MethodNotAllowed'],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '400 InvalidRequest'],
    [`GET /box HTTP/9.9\r\n${HOST}\r\n`, '400 InvalidRequest'],
    [`GET x:80 HTTP/1.1\r\n${HOST}\r\n`, '400 InvalidRequest'],
    [`GET https://y/box/k HTTP/1.1\r\n${HOST}${close}`, '400 InvalidURI'],
    [`GET /box HTTP/1.1\r\n${close}`, '400 InvalidRequest'],
  ];
  for (const [text, expected] of cases) assert.equal(await refusal(bed, text), expected, text);
  for (const method of ['TRACE', 'PROPFIND', 'PATCH', 'LOCK']) {
    const text = headOf(bed, { method, path: '/box/key' }, { Connection: 'close' });
    assert.equal(await refusal(bed, text), '405 MethodNotAllowed', method);
  }
  const upgrade = { Connection: 'Upgrade, close', Upgrade: 'websocket' };
  const kept = await exchange(bed, (socket) =>
    socket.write(headOf(bed, { method: 'GET', path: '/box?location' }, upgrade)),
  );
  assert.match(kept, /^HTTP\/1\.1 200 /, 'another protocol is not taken up');
  await stillServes(bed);
});

test('headers by the thousand are refused, short or long, and none is dropped in silence', async () => {
  await using bed = await openWithBucket();
  for (const count of [257, 2500, 20_000]) {
    const text = `GET /box HTTP/1.1\r\n${HOST}${'a:\r\n'.repeat(count)}\r\n`;
    assert.equal(await refusal(bed, text), '400 RequestHeaderSectionTooLarge', String(count));
  }
  const names = Array.from({ length: 250 }, (_, index) => `x-${index}: y\r\n`).join('');
  const many = headOf(bed, { method: 'GET', path: '/box?location' }, { Connection: 'close' });
  const answer = await exchange(bed, (socket) => socket.write(many.replace('\r\n', `\r\n${names}`)));
  assert.match(answer, /^HTTP\/1\.1 200 /);
  await stillServes(bed);
});

test('a copy whose source was not signed is refused', async () => {
  await using bed = await openWithBucket();
  await bed.send({ method: 'PUT', path: '/box/secret', body: 'mine' });
  for (const presigned of [false, true]) {
    const sent = { method: 'PUT', path: '/box/stolen', presigned };
    const injected = { 'x-amz-copy-source': '/box/secret', 'Content-Length': 0, Connection: 'close' };
    assert.equal(await refusal(bed, headOf(bed, sent, injected)), '403 AccessDenied');
  }
  assert.equal((await bed.send({ method: 'GET', path: '/box/stolen' })).code, 'NoSuchKey');
  await stillServes(bed);
});

const chunked = (decodedBytes: number, more: Record<string, string> = {}) => ({
  method: 'PUT',
  path: '/box/chunked',
  headers: {
    'X-Amz-Content-Sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    'X-Amz-Decoded-Content-Length': String(decodedBytes),
    ...more,
  },
});

test('chunks that lie about their size, break off or never end store nothing', async () => {
  await using bed = await openWithBucket();
  const bodies: [number, string][] = [
    [5, 'a\r\nhello\r\n0\r\n\r\n'],
    [5, '3\r\nhello\r\n0\r\n\r\n'],
    [5, '5\r\nhelloworld\r\n0\r\n\r\n'],
    [5, '5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n'],
    [9, '5\r\nhello\r\n0\r\n\r\n'],
    [5, '5\r\nhello'],
    [5, '5\r\nhello\r\n'],
    [5, '5\nhello\n0\n\n'],
    [5, 'ffffffffffffffff\r\nhello\r\n0\r\n\r\n'],
    [5, '-5\r\nhello\r\n0\r\n\r\n'],
    [5, `5;${'e'.repeat(5000)}\r\nhello\r\n0\r\n\r\n`],
    [5, `${'0'.repeat(5000)}5\r\nhello\r\n0\r\n\r\n`],
    [5, `5\r\nhello\r\n0\r\n${'x-amz-trailer: y\r\n'.repeat(5000)}\r\n`],
    [5, `5\r\nhello\r\n0\r\nno colon\r\n\r\n`],
    [0, ''],
  ];
  for (const [decodedBytes, body] of bodies) {
    const length = { 'Content-Length': Buffer.byteLength(body), Connection: 'close' };
    const refused = await refusal(bed, headOf(bed, chunked(decodedBytes), length) + body);
    assert.match(refused, /^400 [A-Z]/, JSON.stringify(body.slice(0, 80)));
  }
  const large = { 'Content-Length': 300_000, Connection: 'close' };
  const broken = await exchange(bed, (socket) => {
    socket.write(headOf(bed, chunked(290_000), large));
    socket.end(`40000\r\n${'x'.repeat(200_000)}`);
  });
  assert.doesNotMatch(broken, /^HTTP\/1\.1 200/);
  assert.equal((await bed.send({ method: 'GET', path: '/box/chunked' })).code, 'NoSuchKey');
  assert.equal(bed.cluster.stripeCount, 0);
  await stillServes(bed);
});

test('a transfer coding that breaks within a signed body is answered, once', async () => {
  await using bed = await openWithBucket();
  const head = headOf(bed, chunked(100_000), { 'Transfer-Encoding': 'chunked' });
  for (const broken of [
    'zz\r\n',
    'fffffffffffffffffff\r\n',
    '5\r\nhelloworld',
    `5;${'e'.repeat(70_000)}\r\n`,
  ]) {
    const first = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
    const refused = await refusal(bed, head + first + broken);
    assert.match(refused, /^400 [A-Z]/, broken.slice(0, 20));
  }
  assert.equal((await bed.send({ method: 'GET', path: '/box/chunked' })).code, 'NoSuchKey');
  await stillServes(bed);
});

test('nonsense behind a request waits for its answer, and is not written into it', async () => {
  await using bed = await openWithBucket();
  const large = randomBytes(24 << 20);
  await bed.send({ method: 'PUT', path: '/box/large', body: large });
  const socket = connect(bed.port, '127.0.0.1');
  socket.write(headOf(bed, { method: 'GET', path: '/box/large' }));
  await new Promise((resolve) => socket.once('readable', resolve));
  // More than the sockets hold is still to come when the nonsense arrives.
  socket.write('nonsense\r\n\r\n');
  await new Promise((resolve) => setTimeout(resolve, 50));
  const chunks: Buffer[] = [];
  for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk);
  const answer = Buffer.concat(chunks);
  const body = answer.subarray(answer.indexOf('\r\n\r\n') + 4);
  assert.ok(body.equals(large), 'the object, the whole object, and nothing but the object');
  await stillServes(bed);
});

test('a client that has finished sending and half closed gets its answer all the same', async () => {
  await using bed = await openWithBucket();
  const body = randomBytes(5_000_000);
  await bed.send({ method: 'PUT', path: '/box/key', body });
  const answer = await exchange(bed, (socket) =>
    socket.end(headOf(bed, { method: 'GET', path: '/box/key' })),
  );
  assert.ok(Buffer.from(answer.slice(answer.indexOf('\r\n\r\n') + 4), 'latin1').equals(body));
  await stillServes(bed);
});

test('a gigabyte that was announced and never comes holds nothing; one too many is refused at once', async () => {
  await using bed = await openWithBucket();
  const announced = { 'Content-Length': 2 ** 31 };
  const sent = { method: 'PUT', path: '/box/key', headers: { 'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD' } };
  const before = await retainedBytes();
  const sockets: Socket[] = [];
  for (let index = 0; index < 50; index += 1) {
    const socket = connect(bed.port, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => {});
    socket.write(headOf(bed, sent, announced));
  }
  await stillServes(bed);
  assert.ok((await retainedBytes()).buffers - before.buffers < 64 << 20);
  for (const socket of sockets) socket.destroy();
  const tooLong = { 'Content-Length': 2 ** 40, Connection: 'close' };
  assert.equal(await refusal(bed, headOf(bed, sent, tooLong)), '400 EntityTooLarge');
  assert.equal((await bed.send({ method: 'GET', path: '/box/key' })).code, 'NoSuchKey');
  await stillServes(bed);
});

test('connections that are reset, anywhere, hurt nobody', async () => {
  await using bed = await openWithBucket();
  const body = randomBytes(500_000);
  const put = headOf(bed, { method: 'PUT', path: '/box/key', body });
  const texts = ['', 'PU', put.slice(0, 100), put, put + body.toString('latin1', 0, 200_000)];
  for (const text of [...texts, headOf(bed, { method: 'GET', path: '/box' })]) {
    await exchange(bed, (socket) =>
      socket.write(text, 'latin1', () => setTimeout(() => socket.resetAndDestroy(), 5)),
    );
  }
  assert.equal((await bed.send({ method: 'GET', path: '/box/key' })).code, 'NoSuchKey');
  await stillServes(bed);
});

test('five hundred requests in one write are answered in order', async () => {
  await using bed = await openWithBucket();
  for (const key of ['a', 'b']) await bed.send({ method: 'PUT', path: `/box/${key}`, body: `is ${key}.` });
  const head = (key: string, more = {}) => headOf(bed, { method: 'GET', path: `/box/${key}` }, more);
  const pair = head('a') + head('b');
  const answers = await exchange(bed, (socket) =>
    socket.write(pair.repeat(250) + head('a', { Connection: 'close' })),
  );
  assert.equal(answers.match(/is [ab]\./g)?.join(''), `${'is a.is b.'.repeat(250)}is a.`);
  await stillServes(bed);
});

test('documents that fetch, define, multiply or never end are malformed', async () => {
  await using bed = await openWithBucket();
  const wrapped = (text: string) => `<Delete><Object><Key>${text}</Key></Object></Delete>`;
  const documents = [
    `<!DOCTYPE Delete [<!ENTITY x SYSTEM "file:///etc/passwd">]>${wrapped('&x;')}`,
    `<!DOCTYPE Delete SYSTEM "http://127.0.0.1:1/x.dtd">${wrapped('x')}`,
    `<?xml-stylesheet href="http://127.0.0.1:1/"?>${wrapped('x')}`,
    wrapped('&lol;'),
    wrapped('&#0;'),
    wrapped('&#xD800;'),
    wrapped('<![CDATA[x'),
    `<Delete ${'a="b" '.repeat(100_000)}`,
    `<Delete ${'a'.repeat(1_000_000)}`,
    `<Delete>${'<Object/>'.repeat(150_000)}</Delete>`,
    `<Delete>${'<a>'.repeat(200_000)}`,
    `<!--${'-'.repeat(1_000_000)}`,
    `<?xml ${' '.repeat(1_000_000)}`,
    '<'.repeat(1_000_000),
    '&'.repeat(1_000_000),
  ];
  for (const body of documents) {
    const headers = { 'Content-MD5': createHash('md5').update(body).digest('base64') };
    const refused = await bed.send({ method: 'POST', path: '/box?delete', body, headers });
    assert.equal(refused.code, 'MalformedXML', body.slice(0, 80));
  }
  await stillServes(bed);
});
