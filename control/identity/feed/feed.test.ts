/** What a proxy learns of identity, and what it goes on knowing when control is away. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode } from '#common/errors.ts';
import { realClock } from '#common/io/real-clock.ts';
import { IdentityClient } from '../../protocol/identity-client.ts';
import { at, inProject, ServedIdentity, textAt } from '../served-identity.fixture.ts';
import { type FeedServer, startFeedServer } from './feed-server.ts';

const host = '127.0.0.1';
const STALE_MS = 60_000;

describe('the identity feed', () => {
  let served: ServedIdentity;
  let feed: FeedServer;
  let client: IdentityClient;
  let admin: string;
  let userId: string;
  let demo: string;

  before(async () => {
    served = await ServedIdentity.start();
    feed = await startFeedServer(served.identity, served.clusterKey, { host, port: 0 });
    client = follow(served.clusterKey);
    admin = await served.admin();
    const made = await served.ask('POST', '/users', admin, {
      user: { name: 'ann', password: 'a long password' },
    });
    userId = textAt(made.body, 'user.id');
    demo = textAt((await served.ask('GET', '/projects?name=demo', admin)).body, 'projects.0.id');
    await setRole('PUT');
    await eventually(() => client.isCurrent);
  });
  after(async () => {
    client.close();
    await feed.close();
    await served.close();
  });

  function follow(clusterKey: Buffer, staleMs = STALE_MS): IdentityClient {
    const address = { host, port: feed.port };
    return new IdentityClient({ address, clusterKey, clock: realClock(), staleMs, report: () => {} });
  }
  async function setRole(method: 'PUT' | 'DELETE'): Promise<void> {
    const roleId = textAt((await served.ask('GET', '/roles?name=member', admin)).body, 'roles.0.id');
    await served.ask(method, `/projects/${demo}/users/${userId}/roles/${roleId}`, admin);
  }
  async function makeKeys() {
    const { body } = await served.ask('POST', `/users/${userId}/credentials/OS-EC2`, admin, {
      tenant_id: demo,
    });
    return { access: textAt(body, 'credential.access'), secret: textAt(body, 'credential.secret') };
  }
  const login = () => served.login('ann', 'a long password', inProject('demo'));

  test('lets a proxy verify a token by itself, until the token is revoked', async () => {
    const token = await login();
    const statement = client.verifyToken(token);
    assert.equal(statement.user.name, 'ann');
    assert.deepEqual(
      statement.roles.map(({ name }) => name),
      ['member', 'reader'],
    );
    await served.ask('DELETE', '/auth/tokens', token, undefined, { 'x-subject-token': token });
    await eventually(() => {
      try {
        client.verifyToken(token);
        return false;
      } catch (error) {
        return hasCode(error, 'unauthenticated');
      }
    });
  });

  test('tells whom an access key stands for; a key that is deleted, or whose owner has no role left, stands for nobody', async () => {
    const [one, two] = [await makeKeys(), await makeKeys()];
    const owner = await client.accessKey(one.access);
    assert.equal(owner?.secret, one.secret);
    assert.equal(owner?.user.id, userId);
    assert.equal(owner?.scope.project.id, demo);
    assert.ok((await client.accessKey(two.access)) !== undefined);
    await served.ask('DELETE', `/users/${userId}/credentials/OS-EC2/${one.access}`, admin);
    await eventually(async () => (await client.accessKey(one.access)) === undefined);
    await setRole('DELETE');
    await eventually(async () => (await client.accessKey(two.access)) === undefined);
    await setRole('PUT');
    await eventually(async () => (await client.accessKey(two.access)) !== undefined);
    assert.equal(await client.accessKey('NOSUCHKEY'), undefined);
  });

  test('tells what a project is called', async () => {
    assert.equal((await client.project({ id: demo }))?.name, 'demo');
    assert.equal((await client.project({ name: 'demo', domainId: 'default' }))?.id, demo);
    assert.equal(await client.project({ id: 'none' }), undefined);
  });

  test('is not for who has not the cluster’s key', async () => {
    const stranger = follow(Buffer.alloc(32, 1));
    await assert.rejects(stranger.accessKey('ANYTHING'), (error) => hasCode(error, 'peer-unauthenticated'));
    assert.equal(stranger.isCurrent, false);
    stranger.close();
  });

  test('gone, leaves what is known good, for the stated time; and is followed again when it is back', async () => {
    const keys = await makeKeys();
    const token = await login();
    const impatient = follow(served.clusterKey, 1500);
    await eventually(() => impatient.isCurrent);
    for (const each of [client, impatient]) assert.ok((await each.accessKey(keys.access)) !== undefined);
    const { port } = feed;
    await feed.close();
    assert.equal((await client.accessKey(keys.access))?.secret, keys.secret);
    assert.equal(client.verifyToken(token).user.id, userId);
    await assert.rejects(client.accessKey('UNKNOWN'), (error) => hasCode(error, 'peer-unavailable'));
    await eventually(async () => {
      try {
        await impatient.accessKey(keys.access);
        return false;
      } catch (error) {
        return hasCode(error, 'peer-unavailable') && !impatient.isCurrent;
      }
    });
    assert.throws(
      () => impatient.verifyToken(token),
      (error) => hasCode(error, 'peer-unavailable'),
    );
    impatient.close();
    // What is revoked while nobody listens is told to who comes back.
    await served.ask('DELETE', '/auth/tokens', token, undefined, { 'x-subject-token': token });
    feed = await startFeedServer(served.identity, served.clusterKey, { host, port });
    await eventually(() => {
      try {
        client.verifyToken(token);
        return false;
      } catch (error) {
        return hasCode(error, 'unauthenticated');
      }
    });
    assert.equal(at(await client.project({ id: demo }), 'name'), 'demo');
  });
});

async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1000; tries += 1) {
    if (await holds()) return;
    await sleep(20);
  }
  assert.fail('it never came true');
}
