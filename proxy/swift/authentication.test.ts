/** Who gets in: tokens, and what is answered to those who have none. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { bob, openTestBed, type TestBed } from './swift-test-bed.ts';

let bed: TestBed;
before(async () => {
  bed = await openTestBed();
});
after(() => bed[Symbol.asyncDispose]());

const login = (path: string, headers: Record<string, string>) => bed.send({ path, headers, as: null });

test('a key gives a token in every form of the path, and the token opens the account', async () => {
  const forms: [string, Record<string, string>][] = [
    ['/auth/v1.0', { 'X-Auth-User': 'sky:ada', 'X-Auth-Key': 'secret-of-ada' }],
    ['/auth/v1.0/', { 'X-Storage-User': 'sky:ada', 'X-Storage-Pass': 'secret-of-ada' }],
    ['/auth/auth', { 'X-Auth-User': 'sky:ada', 'X-Auth-Key': 'secret-of-ada' }],
    ['/auth/v1/sky/auth', { 'X-Auth-User': 'sky:ada', 'X-Auth-Key': 'secret-of-ada' }],
    ['/auth/v1/sky/auth', { 'X-Storage-User': 'ada', 'X-Storage-Pass': 'secret-of-ada' }],
  ];
  for (const [path, headers] of forms) {
    const answer = await login(path, headers);
    assert.equal(answer.status, 200, path);
    const url = String(answer.headers['x-storage-url']);
    assert.equal(url, `http://127.0.0.1:${bed.port}/v1/AUTH_sky`);
    const token = String(answer.headers['x-auth-token']);
    assert.equal(answer.headers['x-storage-token'], token);
    const opened = await bed.send({
      method: 'HEAD',
      path: new URL(url).pathname,
      headers: { 'X-Auth-Token': token },
      as: null,
    });
    assert.equal(opened.status, 204);
    assert.match(String(opened.headers['x-trans-id']), /^tx[0-9a-f]{21}-[0-9a-f]{10}$/);
  }
});

test('a wrong key, an unknown user and a half-named one are refused alike', async () => {
  for (const [user, key] of [
    ['sky:ada', 'wrong'],
    ['sky:eve', 'secret-of-ada'],
    ['ada', 'secret-of-ada'],
    ['sky:ada', ''],
  ] as const) {
    const answer = await login('/auth/v1.0', { 'X-Auth-User': user, 'X-Auth-Key': key });
    assert.equal(answer.status, 401);
    assert.match(String(answer.headers['www-authenticate']), /^Swift realm=/);
  }
  assert.equal((await login('/auth/v3', {})).status, 400);
});

test('a token that was tampered with, ran out or is nobody’s any more opens nothing', async () => {
  const { tokens, credentials } = bed.context;
  const good = tokens.issue(bob, Date.now()).text;
  assert.equal(tokens.check(good, credentials, Date.now()), bob);
  assert.equal(tokens.check(good, credentials, Date.now() + 86_400_000), undefined);
  const rotated = { ...credentials, findUser: () => ({ ...bob, secretKey: 'another' }) };
  assert.equal(tokens.check(good, rotated, Date.now()), undefined);
  for (let at = 7; at < good.length - 1; at += 5) {
    const swapped = good.slice(0, at) + (good[at] === 'A' ? 'B' : 'A') + good.slice(at + 1);
    assert.equal(tokens.check(swapped, credentials, Date.now()), undefined);
  }
  for (const token of ['AUTH_tk', 'nonsense', `AUTH_tk${'A'.repeat(5000)}`]) {
    const headers = { 'X-Auth-Token': token };
    assert.equal(await bed.status({ path: '', headers, as: null, method: 'HEAD' }), 401);
  }
});

test('a stranger is asked who it is; another account’s owner is turned away; an admin gets everywhere', async () => {
  const head = { method: 'HEAD', path: '/v1/AUTH_sky' };
  const anonymous = await bed.send({ ...head, as: null });
  assert.equal(anonymous.status, 401);
  assert.equal(anonymous.headers['www-authenticate'], 'Swift realm="AUTH_sky"');
  assert.equal(await bed.status({ ...head, as: bob }), 403);
  assert.equal(await bed.status({ ...head, path: '/v1/AUTH_nobody' }), 403);
});

test('the pages beside the API, and paths that name nothing', async () => {
  assert.equal((await bed.send({ path: '/healthcheck', as: null })).text, 'OK');
  const info = JSON.parse((await bed.send({ path: '/info', as: null })).text) as Record<string, unknown>;
  assert.ok('swift' in info);
  const asked = await bed.send({ path: '/info', as: null, headers: { Origin: 'https://a.example' } });
  assert.equal(asked.headers['access-control-allow-origin'], 'https://a.example');
  const methods = await bed.send({ method: 'OPTIONS', path: '/info', as: null });
  assert.deepEqual([methods.status, methods.headers['allow']], [200, 'GET, HEAD, OPTIONS']);
  assert.equal(await bed.status({ method: 'PUT', path: '/info', as: null }), 405);
  assert.equal(await bed.status({ path: '/v1' }), 412);
  assert.equal(await bed.status({ path: '/v1/AUTH_sky//object' }), 412);
  assert.equal(await bed.status({ path: '/v1/AUTH_sky/%FF' }), 412);
  assert.equal(await bed.status({ method: 'PATCH', path: '' }), 405);
});
