import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { deriveSigningKey } from '#proxy/auth/signing-key.ts';
import { S3Error } from './errors.ts';
import { checkForm, parseFormPolicy } from './post-object/form-policy.ts';
import { MultipartForm } from './post-object/multipart-form.ts';
import { ada, openTestBed, type TestBed, texts } from './s3-test-bed.ts';

const BOUNDARY = 'boundary--x';
const TYPE = `multipart/form-data; boundary=${BOUNDARY}`;
type Fields = readonly (readonly [string, string])[];

function formBody(fields: Fields, file: Buffer | string = 'bytes', fileName = 'C:\\a\\photo.txt'): Buffer {
  const parts = fields.map(
    ([name, value]) => `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="${fileName}"\r\nContent-Type: text/plain\r\n\r\n`;
  return Buffer.concat([
    Buffer.from(parts.join('') + head),
    Buffer.from(file),
    Buffer.from(`\r\n--${BOUNDARY}--\r\n`),
  ]);
}

function post(bed: TestBed, fields: Fields, file?: Buffer | string) {
  const headers = { 'Content-Type': TYPE };
  return bed.send({ method: 'POST', path: '/box', body: formBody(fields, file), headers, as: null });
}

function signedFields(conditions: unknown[], more: Fields, expiresInMs = 60_000): Fields {
  const nowMs = Date.now();
  const dateTime = `${new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
  const date = dateTime.slice(0, 8);
  const credential = `${ada.principal.accessKey}/${date}/us-east-1/s3/aws4_request`;
  const own: Fields = [
    ['x-amz-algorithm', 'AWS4-HMAC-SHA256'],
    ['x-amz-credential', credential],
    ['x-amz-date', dateTime],
  ];
  const document = {
    expiration: new Date(nowMs + expiresInMs).toISOString(),
    conditions: [{ bucket: 'box' }, ...own.map(([name, value]) => ({ [name]: value })), ...conditions],
  };
  const policy = Buffer.from(JSON.stringify(document)).toString('base64');
  const signature = deriveSigningKey(ada.secretKey, date, 'us-east-1').sign(policy);
  return [...more, ...own, ['policy', policy], ['x-amz-signature', signature]];
}

async function openWithBucket(headers: Record<string, string> = {}): Promise<TestBed> {
  const bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/box', headers });
  return bed;
}

describe('a form', () => {
  test('that is signed is stored under its policy, with what its fields say', async () => {
    await using bed = await openWithBucket();
    const conditions = [
      ['starts-with', '$key', 'up/'],
      { acl: 'public-read' },
      ['content-length-range', 1, 200_000],
      ['starts-with', '$x-amz-meta-note', ''],
      { success_action_status: '201' },
      ['starts-with', '$tagging', ''],
    ];
    const fields = signedFields(conditions, [
      ['key', 'up/${filename}'],
      ['acl', 'public-read'],
      ['X-Amz-Meta-Note', 'häßlich'],
      ['success_action_status', '201'],
      ['tagging', '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>'],
      ['x-ignore-me', 'x'],
    ]);
    const file = Buffer.alloc(150_000, '\r\n--boundary-');
    const made = await post(bed, fields, file);
    assert.equal(made.status, 201);
    assert.deepEqual(texts(made.xml, 'Key'), ['up/photo.txt']);
    const read = await bed.send({ method: 'GET', path: '/box/up/photo.txt', as: null });
    assert.ok(read.body.equals(file));
    assert.equal(read.headers['content-type'], 'text/plain');
    assert.equal(Buffer.from(String(read.headers['x-amz-meta-note']), 'latin1').toString(), 'häßlich');
    assert.equal(read.headers['x-amz-tagging-count'], '1');
  });

  test('that breaks its policy, or is not signed as it says, leaves nothing', async () => {
    await using bed = await openWithBucket();
    const anyKey = ['starts-with', '$key', ''];
    const key: Fields = [['key', 'k']];
    const code = async (fields: Fields, file?: string) => (await post(bed, fields, file)).code;
    assert.equal(await code(signedFields([], key)), 'AccessDenied');
    assert.equal(await code(signedFields([['eq', '$key', 'other']], key)), 'AccessDenied');
    assert.equal(await code(signedFields([anyKey], key, -1)), 'AccessDenied');
    assert.equal(await code(signedFields([anyKey, ['content-length-range', 0, 2]], key)), 'EntityTooLarge');
    assert.equal(await code(signedFields([anyKey, ['content-length-range', 9, 20]], key)), 'EntityTooSmall');
    assert.equal(
      await code(signedFields([anyKey, ['content-length-range', 9]], key)),
      'InvalidPolicyDocument',
    );
    const forged = signedFields([anyKey], key).map(
      ([name, value]) => [name, name === 'x-amz-signature' ? '0'.repeat(64) : value] as const,
    );
    assert.equal(await code(forged), 'SignatureDoesNotMatch');
    assert.equal(await code([['AWSAccessKeyId', 'x'], ['signature', 'y'], ...key]), 'InvalidRequest');
    assert.equal(await code(forged.filter(([name]) => name !== 'x-amz-signature')), 'InvalidArgument');
    assert.equal(await code([['acl', 'private']]), 'UserKeyMustBeSpecified');
    assert.equal(await code(key), 'AccessDenied', 'nobody signed, and the bucket is closed');
    assert.equal(bed.cluster.stripeCount, 0);
    assert.deepEqual(texts((await bed.send({ method: 'GET', path: '/box' })).xml, 'Key'), []);
    assert.deepEqual(bed.complaints, []);
  });

  test('that nobody signed is stored where everyone may write; its sender is redirected', async () => {
    await using bed = await openWithBucket({ 'x-amz-acl': 'public-read-write' });
    const sent = await post(bed, [
      ['key', 'k'],
      ['success_action_redirect', 'http://a.test/done?x=1'],
    ]);
    assert.equal(sent.status, 303);
    assert.match(String(sent.headers.location), /^http:\/\/a\.test\/done\?x=1&bucket=box&key=k&etag=%22/);
    assert.equal((await bed.send({ method: 'GET', path: '/box/k' })).text, 'bytes');
    const hostile = await post(bed, [
      ['key', 'k'],
      ['success_action_redirect', 'javascript:alert(1)'],
    ]);
    assert.equal(hostile.status, 204);
  });

  test('that is malformed, endless or too large in its fields is refused', async () => {
    await using bed = await openWithBucket({ 'x-amz-acl': 'public-read-write' });
    const headers = { 'Content-Type': TYPE };
    const code = async (body: string, type = TYPE) => {
      const sent = { method: 'POST', path: '/box', body, as: null };
      return (await bed.send({ ...sent, headers: { ...headers, 'Content-Type': type } })).code;
    };
    assert.equal(await code(''), 'MalformedPOSTRequest');
    assert.equal(await code('x'.repeat(10_000)), 'MalformedPOSTRequest');
    assert.equal(await code(`--${BOUNDARY}--\r\n`), 'IncorrectNumberOfFilesInPostRequest');
    assert.equal(await code('x', 'multipart/form-data'), 'MalformedPOSTRequest');
    const whole = formBody([['key', 'k']]).toString();
    for (const at of [10, 60, 100, whole.length - 60, whole.length - 20]) {
      assert.equal(await code(whole.slice(0, at)), 'MalformedPOSTRequest', `cut at ${at}`);
    }
    const large = formBody([
      ['key', 'k'],
      ['x', 'y'.repeat(30_000)],
    ]).toString();
    assert.equal(await code(large), 'MaxPostPreDataLengthExceeded');
    const many = Array.from({ length: 101 }, (_, at) => [`f${at}`, ''] as const);
    assert.equal(await code(formBody(many).toString()), 'MaxPostPreDataLengthExceeded');
    assert.deepEqual(texts((await bed.send({ method: 'GET', path: '/box' })).xml, 'Key'), []);
    assert.deepEqual(bed.complaints, []);
  });

  test('whose sender goes away in the middle leaves nothing', async () => {
    await using bed = await openWithBucket({ 'x-amz-acl': 'public-read-write' });
    const whole = formBody([['key', 'k']], 'x'.repeat(200_000));
    const head = `POST /box HTTP/1.1\r\nHost: a\r\nContent-Type: ${TYPE}\r\nContent-Length: ${whole.length}\r\n\r\n`;
    const socket = connect(bed.port, '127.0.0.1');
    await new Promise<void>((resolve) =>
      socket.write(Buffer.concat([Buffer.from(head), whole.subarray(0, 150_000)]), () => resolve()),
    );
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(texts((await bed.send({ method: 'GET', path: '/box' })).xml, 'Key'), []);
  });
});

test('a form that arrives in any pieces is read as if it had come in one', async () => {
  const fields = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'key'), fc.string({ maxLength: 20 })), {
    maxLength: 5,
  });
  const file = fc.string({
    unit: fc.constantFrom('\r', '\n', '-', 'b', `\r\n--${BOUNDARY.slice(0, 5)}`),
    maxLength: 40,
  });
  await fc.assert(
    fc.asyncProperty(
      fields,
      file,
      fc.array(fc.nat(50), { minLength: 1, maxLength: 20 }),
      async (named, text, cuts) => {
        const whole = formBody(named, text);
        let at = 0;
        let turn = 0;
        const form = new MultipartForm(TYPE, async () => {
          if (at >= whole.length) return undefined;
          const length = 1 + (cuts[turn++ % cuts.length] ?? 0);
          at += length;
          return whole.subarray(at - length, at);
        });
        const received = await form.receiveFields();
        assert.deepEqual(received.fields, named);
        const pieces: Buffer[] = [];
        for await (const piece of form.fileChunks()) pieces.push(piece);
        assert.equal(Buffer.concat(pieces).toString(), text);
      },
    ),
  );
});

test('a policy of any shape is a policy or InvalidPolicyDocument', () => {
  fc.assert(
    fc.property(fc.json(), (json) => {
      const wrapped = `{"expiration":"2030-01-01T00:00:00Z","conditions":[${json}]}`;
      for (const text of [json, wrapped]) {
        try {
          checkForm(parseFormPolicy(Buffer.from(text).toString('base64')), new Map([['key', 'k']]), 0);
        } catch (error) {
          assert.ok(error instanceof S3Error, String(error));
        }
      }
    }),
  );
});
