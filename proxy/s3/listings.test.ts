/** Listings through HTTP against a naive model, page by page, whatever the names hold. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { openTestBed, type TestBed, texts } from './s3-test-bed.ts';
import { childText } from './xml/reader.ts';

const order = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

interface Listed {
  readonly keys: string[];
  readonly prefixes: string[];
}

function naive(names: readonly string[], prefix: string, delimiter: string, after: string): Listed {
  const keys: string[] = [];
  const prefixes: string[] = [];
  for (const name of names.toSorted(order)) {
    if (!name.startsWith(prefix) || order(name, after) <= 0) continue;
    const at = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length);
    const folded = name.slice(0, at + delimiter.length);
    if (at < 0) keys.push(name);
    else if (prefixes.at(-1) !== folded) prefixes.push(folded);
  }
  return { keys, prefixes };
}

const decoded = (names: readonly string[]) => names.map((name) => decodeURIComponent(name));

/** All pages of one of the three listings, put together. */
async function listAll(
  bed: TestBed,
  kind: 'v1' | 'v2' | 'versions',
  query: Readonly<Record<string, string>>,
): Promise<Listed> {
  const keys: string[] = [];
  const prefixes: string[] = [];
  let next: Record<string, string> = {};
  const kinds = { v1: {}, v2: { 'list-type': '2' }, versions: { versions: '' } };
  for (let page = 0; page < 100; page++) {
    const parameters = new URLSearchParams({ ...kinds[kind], 'encoding-type': 'url', ...query, ...next });
    const path = `/box?${parameters.toString().replaceAll('+', '%20').replaceAll('*', '%2A')}`;
    const { xml, status, text } = await bed.send({ method: 'GET', path });
    assert.equal(status, 200, text);
    const found = xml.children
      .filter(({ name }) => name === 'CommonPrefixes')
      .map((each) => childText(each, 'Prefix') ?? '');
    assert.ok(texts(xml, 'Key').length + found.length <= Number(childText(xml, 'MaxKeys')));
    keys.push(...decoded(texts(xml, 'Key')));
    prefixes.push(...decoded(found));
    if (childText(xml, 'IsTruncated') === 'false') return { keys, prefixes };
    const lastKey = decoded(texts(xml, 'Key')).at(-1) ?? '';
    if (kind === 'v2') next = { 'continuation-token': childText(xml, 'NextContinuationToken') ?? '' };
    else if (kind === 'v1')
      next = { marker: decodeURIComponent(childText(xml, 'NextMarker') ?? encodeURIComponent(lastKey)) };
    else next = { 'key-marker': decodeURIComponent(childText(xml, 'NextKeyMarker') ?? '') };
  }
  throw new Error('the listing does not end');
}

test('every page of every listing agrees with a naive model', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/box' });
  const name = fc
    .array(fc.constantFrom('a', 'b', '/', '//', '\uFFFD', '\u{1F600}', 'é', ' ', '+', '%'), {
      minLength: 1,
      maxLength: 5,
    })
    .map((parts) => parts.join(''));
  const text = fc.oneof(fc.constant(''), name);
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(name, { maxLength: 12 }),
      text,
      fc.oneof(fc.constantFrom('', '/', '//', 'a'), text),
      text,
      fc.integer({ min: 1, max: 5 }),
      fc.constantFrom('v1' as const, 'v2' as const, 'versions' as const),
      async (names, prefix, delimiter, after, maxKeys, kind) => {
        for (const each of names) {
          await bed.send({ method: 'PUT', path: `/box/${encodeURIComponent(each)}`, body: each });
        }
        const start = kind === 'v2' && after !== '' ? { 'start-after': after } : {};
        const query = { prefix, delimiter, 'max-keys': String(maxKeys), ...start };
        const listed = await listAll(bed, kind, query);
        assert.deepEqual(listed, naive(names, prefix, delimiter, kind === 'v2' ? after : ''));
        for (const each of names)
          await bed.send({ method: 'DELETE', path: `/box/${encodeURIComponent(each)}` });
      },
    ),
    { numRuns: 60 },
  );
});

test('a listing shows size, ETag, time, class and, when asked, the owner', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/box' });
  await bed.send({ method: 'PUT', path: '/box/key', body: 'hello' });
  const plain = (await bed.send({ method: 'GET', path: '/box?list-type=2' })).xml;
  assert.deepEqual(texts(plain, 'Size'), ['5']);
  assert.deepEqual(texts(plain, 'ETag'), ['"5d41402abc4b2a76b9719d911017c592"']);
  assert.deepEqual(texts(plain, 'StorageClass'), ['STANDARD']);
  assert.match(texts(plain, 'LastModified')[0] ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(texts(plain, 'DisplayName'), []);
  assert.deepEqual(texts(plain, 'KeyCount'), ['1']);
  const owned = (await bed.send({ method: 'GET', path: '/box?list-type=2&fetch-owner=true' })).xml;
  assert.deepEqual(texts(owned, 'DisplayName'), ['ada-account']);
  const versions = (await bed.send({ method: 'GET', path: '/box?versions' })).xml;
  assert.deepEqual(texts(versions, 'VersionId'), ['null']);
  assert.deepEqual(texts(versions, 'IsLatest'), ['true']);
});

test('parameters out of range are refused, max-keys 0 is an empty page', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/box' });
  await bed.send({ method: 'PUT', path: '/box/key', body: 'x' });
  for (const query of [
    'max-keys=-1',
    'max-keys=x',
    'max-keys=99999999999',
    'encoding-type=base64',
    'list-type=3',
    'list-type=2&continuation-token=',
    'list-type=2&continuation-token=%25%25',
    `prefix=${'a'.repeat(5000)}`,
  ]) {
    assert.equal((await bed.send({ method: 'GET', path: `/box?${query}` })).code, 'InvalidArgument', query);
  }
  const none = (await bed.send({ method: 'GET', path: '/box?max-keys=0' })).xml;
  assert.deepEqual(texts(none, 'Key'), []);
  assert.equal(childText(none, 'IsTruncated'), 'false');
  const many = (await bed.send({ method: 'GET', path: '/box?max-keys=5000' })).xml;
  assert.equal(childText(many, 'MaxKeys'), '1000');
});

test('a marker within a common prefix goes on behind all of it', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/box' });
  for (const key of ['a/1', 'a/2', 'b/1', 'c'])
    await bed.send({ method: 'PUT', path: `/box/${key}`, body: 'x' });
  const listed = (await bed.send({ method: 'GET', path: '/box?delimiter=/&marker=a/1' })).xml;
  assert.deepEqual(texts(listed, 'Prefix'), ['', 'b/']);
  assert.deepEqual(texts(listed, 'Key'), ['c']);
});
