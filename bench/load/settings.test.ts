import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HoldfastError } from '#common/errors.ts';
import { type LoadSettings, readCredentials, readSettings } from './settings.ts';

const ENVIRONMENT = { AWS_ENDPOINT_URL: 'http://127.0.0.1:8080/' };

function settings(options: string, environment: Record<string, string> = ENVIRONMENT): LoadSettings {
  const read = readSettings(options === '' ? [] : options.split(' '), environment);
  assert.ok(read !== 'help');
  return read;
}

test('the defaults measure every operation on small objects at the endpoint of the environment', () => {
  const read = settings('');
  assert.equal(read.endpoint, 'http://127.0.0.1:8080');
  assert.deepEqual(read.operations, ['put', 'get', 'head', 'list', 'delete']);
  assert.deepEqual([read.sizesBytes, read.concurrencies], [[4096], [8]]);
  assert.equal(read.region, 'us-east-1');
  assert.notEqual(read.seed, settings('').seed);
});

test('options are read with their units and lists', () => {
  const read = settings(
    '--size 4k,1m,1g --concurrency 1,32 --duration 500ms --operations get,put --rate 100 --range 8k --multipart 8m',
  );
  assert.deepEqual(read.sizesBytes, [4096, 2 ** 20, 2 ** 30]);
  assert.deepEqual(read.concurrencies, [1, 32]);
  assert.equal(read.durationMs, 500);
  assert.deepEqual(read.operations, ['get', 'put']);
  assert.deepEqual([read.ratePerS, read.rangeBytes, read.multipartBytes], [100, 8192, 8 * 2 ** 20]);
});

test('a plain server has no listing and gets no signature', () => {
  const read = settings('--protocol http');
  assert.deepEqual(read.operations, ['put', 'get', 'head', 'delete']);
  assert.equal(readCredentials(read, { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }), undefined);
});

test('what cannot be meant is refused in one line that names it', () => {
  for (const [options, said] of [
    ['--bogus', '--bogus'],
    ['--size', '--size'],
    ['word', 'word'],
    ['--size 0', '0'],
    ['--size 6g', '6g'],
    ['--size 1k,,2k', '1k,,2k'],
    ['--concurrency 0', '--concurrency'],
    ['--operations put,post', 'post'],
    ['--protocol http --operations list', 'list'],
    ['--protocol http --multipart 8m', '--multipart'],
    ['--protocol ftp', 'ftp'],
    ['--endpoint ftp://host', 'ftp://host'],
    ['--endpoint nowhere', 'nowhere'],
    ['--bucket UPPER', 'UPPER'],
    ['--rate 0', '--rate'],
    ['--duration 1y', '1y'],
    ['--check-reads 2', '--check-reads'],
    ['--multipart 100', '--multipart'],
    ['--multipart 64k --size 1g', '--multipart'],
    ['--pid x', '--pid'],
    ['--processes 65', '--processes'],
  ] as const)
    assert.throws(
      () => settings(options),
      (error) =>
        error instanceof HoldfastError &&
        error.code === 'invalid-argument' &&
        error.message.includes(said) &&
        !error.message.includes('\n'),
      options,
    );
  assert.throws(() => settings('', {}), /AWS_ENDPOINT_URL/);
  assert.throws(() => readCredentials(settings(''), ENVIRONMENT), /AWS_ACCESS_KEY_ID/);
});
