/** The control store in an etcd that asks who is there: certificates on both sides, or a user and a password. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { hasCode } from '#common/errors.ts';
import { realClock } from '#common/io/real-clock.ts';
import { openEtcdStore } from '#control/store/etcd/etcd-store.ts';
import { everything, prefixed } from '#control/store/key-range.ts';
import { getEntry, put } from '#control/store/operations.ts';
import { RunningEtcd } from './running-etcd.ts';

const run = promisify(execFile);
const value = Buffer.from('1');

/** A certificate that signs itself, good for both sides of 127.0.0.1. */
async function makeCertificate(folder: string): Promise<{ certificateFile: string; keyFile: string }> {
  const certificateFile = join(folder, 'certificate.pem');
  const keyFile = join(folder, 'key.pem');
  const args = 'req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 2 -subj /CN=etcd';
  await run('openssl', [
    ...args.split(' '),
    ...['-addext', 'subjectAltName=IP:127.0.0.1', '-addext', 'extendedKeyUsage=serverAuth,clientAuth'],
    ...['-out', certificateFile, '-keyout', keyFile],
  ]);
  return { certificateFile, keyFile };
}

test('etcd behind TLS: with the right certificates all works, with others nothing does', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-etcd-tls-'));
  context.after(() => rm(folder, { recursive: true }));
  const files = await makeCertificate(folder);
  const etcd = await RunningEtcd.start(1, { ...files, authorityFile: files.certificateFile });
  context.after(() => etcd.stop());
  const certificate = await readFile(files.certificateFile);
  const privateKey = await readFile(files.keyFile);
  const { endpoints } = etcd;
  const clock = realClock();
  const trusted = openEtcdStore(
    { endpoints, tls: { authorities: certificate, certificate, privateKey } },
    clock,
  );
  await trusted.transact({ then: [put('a', value)] });
  assert.ok((await getEntry(trusted, 'a'))?.value.equals(value));
  const strangers = [
    openEtcdStore({ endpoints, timeoutMs: 1000 }, clock),
    openEtcdStore({ endpoints, timeoutMs: 1000, tls: { authorities: certificate } }, clock),
    openEtcdStore({ endpoints: [`127.0.0.1:${etcd.ports[0]}`], timeoutMs: 1000 }, clock),
  ];
  for (const stranger of strangers) {
    await assert.rejects(stranger.range(everything), (error) => hasCode(error, 'store-unavailable'));
    await stranger.close();
  }
  await trusted.close();
});

/** Speaks to etcd's own JSON door, which is there for those who set it up. */
async function administer(etcd: RunningEtcd, path: string, body: object): Promise<void> {
  const answer = await fetch(`${etcd.endpoints[0]}/v3/auth/${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  assert.equal(answer.status, 200, `${path}: ${await answer.text()}`);
}

test('etcd with users: the password opens, another does not, and a token that etcd has forgotten is got anew', async (context) => {
  const etcd = await RunningEtcd.start(1);
  context.after(() => etcd.stop());
  const user = { name: 'holdfast', password: 'a password' };
  await administer(etcd, 'user/add', { name: 'root', password: 'root' });
  await administer(etcd, 'user/grant', { user: 'root', role: 'root' });
  await administer(etcd, 'user/add', user);
  await administer(etcd, 'role/add', { name: 'cloud' });
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const perm = { permType: 2, key: base64('/holdfast/'), range_end: base64('/holdfast0') };
  await administer(etcd, 'role/grant', { name: 'cloud', perm });
  await administer(etcd, 'user/grant', { user: user.name, role: 'cloud' });
  await administer(etcd, 'enable', {});

  const { endpoints } = etcd;
  const clock = realClock();
  const store = openEtcdStore({ endpoints, user }, clock);
  const { revision } = await store.transact({ then: [put('a', value)] });
  const seen: string[] = [];
  const watch = store.watch(prefixed('a'), revision);
  const watching = (async () => {
    for await (const { events } of watch)
      for (const event of events) {
        seen.push(event.kind);
        if (seen.length === 2) return;
      }
  })();
  const isRefused = (error: unknown): boolean => hasCode(error, 'request-refused');
  const wrong = openEtcdStore({ endpoints, user: { ...user, password: 'another' } }, clock);
  await assert.rejects(wrong.range(everything), isRefused);
  const elsewhere = openEtcdStore({ endpoints, user, prefix: '/other/' }, clock);
  await assert.rejects(elsewhere.range(everything), isRefused);
  await assert.rejects(async () => {
    for await (const batch of elsewhere.watch(everything, 1)) assert.fail(`${batch.revision}`);
  }, isRefused);
  const nobody = openEtcdStore({ endpoints }, clock);
  await assert.rejects(nobody.range(everything), isRefused);

  await etcd.kill(0);
  await etcd.restart(0);
  assert.ok((await getEntry(store, 'a'))?.value.equals(value));
  await store.transact({ then: [{ kind: 'delete', range: prefixed('a') }] });
  await watching;
  assert.deepEqual(seen, ['put', 'delete']);
  await Promise.all([store, wrong, elsewhere, nobody].map((one) => one.close()));
});
