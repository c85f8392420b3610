/** Rules that were set through S3 are carried out, to the letter and no further. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '#common/io/clock.ts';
import { Pace } from '#proxy/sweep/pace.ts';
import { openTestBed, type TestBed, texts } from '#proxy/s3/s3-test-bed.ts';
import { nothingApplied, walkBuckets } from './walk-buckets.ts';

const DAY_MS = 86_400_000;

const rule = (...inner: string[]) => `<Rule><Status>Enabled</Status>${inner.join('')}</Rule>`;
const expiration = (what: string) => `<Expiration>${what}</Expiration>`;
const filter = (what: string) => `<Filter>${what}</Filter>`;

async function setRules(bed: TestBed, ...rules: string[]): Promise<void> {
  const body = `<LifecycleConfiguration>${rules.join('')}</LifecycleConfiguration>`;
  assert.equal((await bed.send({ method: 'PUT', path: '/box?lifecycle', body })).status, 200);
}

/** What a walk does so many days from now. */
async function walk(bed: TestBed, days: number, pace = new Pace(bed.context.clock)) {
  const { cluster, directory, clock } = bed.context;
  const later: Clock = {
    nowMs: () => clock.nowMs() + days * DAY_MS,
    monotonicMs: () => clock.monotonicMs(),
    after: (delayMs, then) => clock.after(delayMs, then),
  };
  const figures = nothingApplied();
  await walkBuckets({ cluster, directory, clock: later, dayMs: DAY_MS }, figures, pace);
  assert.equal(figures.failures, 0);
  return figures;
}

const put = (bed: TestBed, key: string, body = 'x', headers = {}) =>
  bed.send({ method: 'PUT', path: `/box/${key}`, body, headers });

async function keys(bed: TestBed): Promise<string[]> {
  return texts((await bed.send({ method: 'GET', path: '/box' })).xml, 'Key');
}

async function versions(bed: TestBed): Promise<string[]> {
  return texts((await bed.send({ method: 'GET', path: '/box?versions' })).xml, 'VersionId');
}

test('objects expire by prefix, tags and size, when their days are over', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/box' });
  await setRules(
    bed,
    rule(filter('<Prefix>log/</Prefix>'), expiration('<Days>3</Days>')),
    rule(filter('<Tag><Key>keep</Key><Value>no</Value></Tag>'), expiration('<Days>1</Days>')),
    rule(filter('<ObjectSizeGreaterThan>10</ObjectSizeGreaterThan>'), expiration('<Days>1</Days>')),
    `<Rule><Status>Disabled</Status><Prefix/>${expiration('<Days>1</Days>')}</Rule>`,
  );
  await put(bed, 'log/one');
  await put(bed, 'other');
  await put(bed, 'tagged', 'x', { 'x-amz-tagging': 'keep=no&more=yes' });
  await put(bed, 'tagged-otherwise', 'x', { 'x-amz-tagging': 'keep=yes' });
  await put(bed, 'large', 'eleven bytes');
  assert.equal((await walk(bed, 0)).expiredObjects, 0);
  assert.equal((await walk(bed, 2)).expiredObjects, 2);
  assert.deepEqual(await keys(bed), ['log/one', 'other', 'tagged-otherwise']);
  assert.equal((await walk(bed, 4)).expiredObjects, 1);
  assert.deepEqual(await keys(bed), ['other', 'tagged-otherwise']);
});

test('a date expires everything from that day on', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/box' });
  await put(bed, 'key');
  const date = new Date(Math.ceil(Date.now() / DAY_MS + 2) * DAY_MS).toISOString();
  await setRules(bed, rule('<Prefix/>', expiration(`<Date>${date}</Date>`)));
  assert.equal((await walk(bed, 1)).expiredObjects, 0);
  assert.equal((await walk(bed, 4)).expiredObjects, 1);
});

test('with versioning a marker comes first; older versions and lone markers have rules of their own', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/box' });
  const enabled = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
  await bed.send({ method: 'PUT', path: '/box?versioning', body: enabled });
  for (const body of ['one', 'two', 'three', 'four']) await put(bed, 'key', body);
  const noncurrent = (inner: string) => `<NoncurrentVersionExpiration>${inner}</NoncurrentVersionExpiration>`;
  await setRules(
    bed,
    rule(
      '<Prefix/>',
      noncurrent('<NoncurrentDays>2</NoncurrentDays><NewerNoncurrentVersions>2</NewerNoncurrentVersions>'),
    ),
  );
  const before = await versions(bed);
  assert.equal((await walk(bed, 1)).removedVersions, 0);
  assert.equal((await walk(bed, 4)).removedVersions, 1);
  assert.deepEqual(await versions(bed), before.slice(0, 3));
  await setRules(
    bed,
    rule('<Prefix/>', expiration('<Days>1</Days>')),
    rule('<Prefix/>', noncurrent('<NoncurrentDays>2</NoncurrentDays>')),
  );
  assert.equal((await walk(bed, 2)).expiredObjects, 1);
  assert.deepEqual(await keys(bed), []);
  assert.equal((await versions(bed)).length, 4);
  assert.equal((await walk(bed, 4)).removedVersions, 3);
  // The marker is alone from here on: the next walk takes it.
  assert.equal((await walk(bed, 4)).removedMarkers, 1);
  assert.deepEqual(await versions(bed), []);
});

test('a version under legal hold is kept', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/box', headers: { 'x-amz-bucket-object-lock-enabled': 'true' } });
  await put(bed, 'key', 'held', { 'x-amz-object-lock-legal-hold': 'ON' });
  await put(bed, 'key', 'newer');
  await setRules(
    bed,
    rule(
      '<Prefix/>',
      '<NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays></NoncurrentVersionExpiration>',
    ),
  );
  const figures = await walk(bed, 9);
  assert.deepEqual([figures.removedVersions, figures.lockedVersions], [0, 1]);
});

test('open uploads are aborted, and rules that were deleted do nothing', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/box' });
  await bed.send({ method: 'POST', path: '/box/a/part?uploads' });
  await bed.send({ method: 'POST', path: '/box/b/part?uploads' });
  const abort =
    '<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>';
  await setRules(bed, rule('<Prefix>a/</Prefix>', abort));
  assert.equal((await walk(bed, 0)).abortedUploads, 0);
  assert.equal((await walk(bed, 3)).abortedUploads, 1);
  const uploads = await bed.send({ method: 'GET', path: '/box?uploads' });
  assert.deepEqual(texts(uploads.xml, 'Key'), ['b/part']);
  const records = bed.cluster.recordCount;
  await bed.send({ method: 'DELETE', path: '/box?lifecycle' });
  assert.equal((await walk(bed, 3)).buckets, 0);
  assert.equal(bed.cluster.recordCount, records - 1, 'the note of the bucket is gone');
});

/** Something happens before a page of a walk. */
class Meanwhile extends Pace {
  #pages = 0;
  readonly #before: (page: number) => Promise<void>;

  constructor(bed: TestBed, before: (page: number) => Promise<void>) {
    super(bed.context.clock);
    this.#before = before;
  }

  override async throttled<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#pages += 1;
    await this.#before(this.#pages);
    return await super.throttled(work);
  }
}

test('a rule that is taken back or narrowed while a walk is under way removes nothing more', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/box' });
  for (let number = 100; number < 350; number += 1) await put(bed, `key-${number}`);
  const all = rule('<Prefix/>', expiration('<Days>1</Days>'));
  await setRules(bed, all);
  const narrowed = rule('<Prefix>key-34</Prefix>', expiration('<Days>1</Days>'));
  const first = new Meanwhile(bed, async (page) => {
    if (page === 2) await setRules(bed, narrowed);
  });
  assert.equal((await walk(bed, 2, first)).expiredObjects, 110);
  await setRules(bed, all);
  const second = new Meanwhile(bed, async (page) => {
    if (page === 2) await bed.send({ method: 'DELETE', path: '/box?lifecycle' });
  });
  assert.equal((await walk(bed, 2, second)).expiredObjects, 100);
  assert.equal((await keys(bed)).length, 40);
});

test('answers say when an object is to expire, and by which rule', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/box' });
  await setRules(
    bed,
    rule('<ID>in a week</ID>', '<Prefix>log/</Prefix>', expiration('<Days>7</Days>')),
    rule('<ID>sooner</ID>', '<Prefix>log/tmp/</Prefix>', expiration('<Days>1</Days>')),
  );
  const expirationOf = async (key: string) => {
    const told = await put(bed, key);
    for (const method of ['GET', 'HEAD']) {
      const read = await bed.send({ method, path: `/box/${key}` });
      assert.equal(read.headers['x-amz-expiration'], told.headers['x-amz-expiration']);
    }
    return told.headers['x-amz-expiration'];
  };
  const form = /^expiry-date="\w{3}, \d\d \w{3} \d{4} 00:00:00 GMT", rule-id="(.*)"$/;
  assert.equal(form.exec(String(await expirationOf('log/a')))?.[1], 'in%20a%20week');
  assert.equal(form.exec(String(await expirationOf('log/tmp/a')))?.[1], 'sooner');
  assert.equal(await expirationOf('other'), undefined);
});
