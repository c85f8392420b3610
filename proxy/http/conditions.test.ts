import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeRead, parseEntityTags } from './conditions.ts';
import { httpTime, parseHttpTime } from './http-time.ts';

test('reads: the table of RFC 9110, section 13.2.2', () => {
  const modifiedMs = Date.UTC(2031, 0, 1, 12, 0, 0, 500);
  const validators = { etag: 'e', modifiedMs };
  const before = 'Wed, 01 Jan 2031 11:00:00 GMT';
  const same = 'Wed, 01 Jan 2031 12:00:00 GMT';
  const none = {
    ifMatch: undefined,
    ifNoneMatch: undefined,
    ifModifiedSince: undefined,
    ifUnmodifiedSince: undefined,
  };
  const table = [
    [{}, 'proceed'],
    [{ ifMatch: '"e"' }, 'proceed'],
    [{ ifMatch: 'e' }, 'proceed'],
    [{ ifMatch: '"x", "e"' }, 'proceed'],
    [{ ifMatch: '*' }, 'proceed'],
    [{ ifMatch: '"x"' }, 'failed'],
    [{ ifNoneMatch: '"e"' }, 'not-modified'],
    [{ ifNoneMatch: '*' }, 'not-modified'],
    [{ ifNoneMatch: 'W/"e"' }, 'not-modified'],
    [{ ifNoneMatch: '"x"' }, 'proceed'],
    [{ ifModifiedSince: before }, 'proceed'],
    [{ ifModifiedSince: same }, 'not-modified'],
    [{ ifModifiedSince: 'nonsense' }, 'proceed'],
    [{ ifUnmodifiedSince: before }, 'failed'],
    [{ ifUnmodifiedSince: same }, 'proceed'],
    [{ ifMatch: '"e"', ifUnmodifiedSince: before }, 'proceed'],
    [{ ifNoneMatch: '"x"', ifModifiedSince: same }, 'proceed'],
    [{ ifNoneMatch: '"e"', ifModifiedSince: before }, 'not-modified'],
    [{ ifMatch: '"x"', ifNoneMatch: '"e"' }, 'failed'],
    [{ ifMatch: '"e"', ifNoneMatch: '"e"' }, 'not-modified'],
  ] as const;
  for (const [conditions, verdict] of table) {
    assert.equal(judgeRead({ ...none, ...conditions }, validators), verdict, JSON.stringify(conditions));
  }
  assert.deepEqual(parseEntityTags('"a,b" , c,W/"d"'), ['a,b', 'c', 'd']);
});

test('the three forms of a date that RFC 9110 knows are one time', () => {
  const ms = Date.UTC(1994, 10, 6, 8, 49, 37);
  assert.equal(httpTime(ms), 'Sun, 06 Nov 1994 08:49:37 GMT');
  assert.equal(parseHttpTime('Sun, 06 Nov 1994 08:49:37 GMT'), ms);
  assert.equal(parseHttpTime('Sunday, 06-Nov-94 08:49:37 GMT'), ms);
  assert.equal(parseHttpTime('Sun Nov  6 08:49:37 1994'), ms);
  assert.equal(parseHttpTime('soon'), undefined);
  assert.equal(parseHttpTime('9'.repeat(10_000)), undefined);
});
