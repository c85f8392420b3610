import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPermitted } from './access-rules.ts';

function isFor(pattern: string, path: string): boolean {
  const rules = [{ id: 'r', service: 'object-store', method: 'GET', path: pattern }];
  return isPermitted(rules, { service: 'object-store', method: 'GET', path });
}

test('a rule permits its own path, a segment for each star and name, any number for two stars', () => {
  assert.ok(isFor('/v1/a/films', '/v1/a/films'));
  assert.ok(isFor('/v1/{account}/films', '/v1/AUTH_x/films'));
  assert.ok(isFor('/v1/*/films', '/v1/AUTH_x/films'));
  assert.ok(isFor('/v1/a/films/**', '/v1/a/films/one/two'));
  assert.ok(isFor('/v1/**/tail', '/v1/a/b/tail'));
});

test('and nothing else', () => {
  assert.ok(!isFor('/v1/a/films', '/v1/a/films/one'));
  assert.ok(!isFor('/v1/a/films', '/v1/a'));
  assert.ok(!isFor('/v1/*/films', '/v1//films'));
  assert.ok(!isFor('/v1/*', '/v1/a/b'));
  assert.ok(!isFor('/v1/**/tail', '/v1/a/b'));
  const rules = [{ id: 'r', service: 'compute', method: 'GET', path: '/a' }];
  assert.ok(!isPermitted(rules, { service: 'image', method: 'GET', path: '/a' }));
  assert.ok(!isPermitted(rules, { service: 'compute', method: 'POST', path: '/a' }));
  assert.ok(!isPermitted([], { service: 'compute', method: 'GET', path: '/a' }));
});
