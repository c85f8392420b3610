/** What a proxy learns of identity, and what it goes on knowing when control is away. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Server, ServerCredentials, type ServerWritableStream } from '@grpc/grpc-js';
import { hasCode } from '#common/errors.ts';
import { realClock } from '#common/io/real-clock.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import { FeedProof } from '../../protocol/feed-proof.ts';
import { type FeedFrame, type FollowRequest, loadFollowMethod } from '../../protocol/identity-feed.ts';
import { IdentityFollower, type IdentityFollowerOptions } from '../../protocol/identity-follower.ts';
import { inProject, ServedIdentity, textAt } from '../served-identity.fixture.ts';
import { type FeedServer, startFeedServer } from './feed-server.ts';

const host = '127.0.0.1';
/** This file's own, below those that the system gives out: while the feed is away nobody else may take it. */
const PORT = 21_830;
const KEEP_MS = 60_000;

describe('the identity feed', () => {
  let served: ServedIdentity;
  let feed: FeedServer;
  let follower: IdentityFollower;
  let folder: string;
  let admin: string;
  let userId: string;
  let demo: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-feed-'));
    served = await ServedIdentity.start();
    feed = await serve(PORT);
    follower = await follow();
    admin = await served.admin();
    const made = await served.ask('POST', '/users', admin, {
      user: { name: 'ann', password: 'a long password' },
    });
    userId = textAt(made.body, 'user.id');
    demo = textAt((await served.ask('GET', '/projects?name=demo', admin)).body, 'projects.0.id');
    await setRole('PUT');
    await eventually(() => follower.known.isCurrent);
  });
  after(async () => {
    await follower.close();
    await feed.close();
    await served.close();
    await rm(folder, { recursive: true });
  });

  function serve(port: number): Promise<FeedServer> {
    const { identity, clusterKey } = served;
    return startFeedServer({ identity, clusterKey, listen: { host, port } });
  }
  function follow(options: Partial<IdentityFollowerOptions> = {}): Promise<IdentityFollower> {
    return IdentityFollower.open({
      feed: { host, port: feed.port },
      clusterKey: served.clusterKey,
      cacheFile: join(folder, 'cache'),
      keepMs: KEEP_MS,
      clock: realClock(),
      randomness: realRandomness(),
      report: () => {},
      ...options,
    });
  }
  async function setRole(method: 'PUT' | 'DELETE'): Promise<void> {
    const roleId = textAt((await served.ask('GET', '/roles?name=member', admin)).body, 'roles.0.id');
    await served.ask(method, `/projects/${demo}/users/${userId}/roles/${roleId}`, admin);
  }
  async function makeKeys(): Promise<string> {
    const { body } = await served.ask('POST', `/users/${userId}/credentials/OS-EC2`, admin, {
      tenant_id: demo,
    });
    return textAt(body, 'credential.access');
  }
  const login = () => served.login('ann', 'a long password', inProject('demo'));
  const key = (access: string) => follower.known.accessKey(access);
  const isRefused = (token: string) => {
    try {
      follower.known.verifyToken(token);
      return false;
    } catch (error) {
      return hasCode(error, 'unauthenticated');
    }
  };

  test('can be waited for: until control has told everything, or for no longer than was said', async () => {
    const late = await follow({ cacheFile: join(folder, 'late') });
    await late.current(60_000);
    assert.ok(late.known.isCurrent);
    await late.current(60_000);
    await late.close();
    const alone = await follow({ cacheFile: join(folder, 'alone'), clusterKey: Buffer.alloc(32, 1) });
    await alone.current(50);
    assert.ok(!alone.known.isCurrent);
    await alone.close();
  });

  test('lets a proxy verify a token by itself, until the token is revoked', async () => {
    const token = await login();
    const statement = follower.known.verifyToken(token);
    assert.equal(statement.user.name, 'ann');
    const roles = statement.roles.map(({ name }) => name);
    assert.deepEqual(roles, ['member', 'reader']);
    await served.ask('DELETE', '/auth/tokens', token, undefined, { 'x-subject-token': token });
    await eventually(() => isRefused(token));
  });

  test('tells whom access keys stand for; one that is deleted, or whose owner has no role left, stands for nobody', async () => {
    const [one, two] = [await makeKeys(), await makeKeys()];
    await eventually(() => key(one) !== undefined && key(two) !== undefined);
    const known = key(one);
    assert.equal(known?.user.id, userId);
    assert.equal(known?.project.id, demo);
    assert.deepEqual(known?.roles, ['member', 'reader']);
    await served.ask('DELETE', `/users/${userId}/credentials/OS-EC2/${one}`, admin);
    await eventually(() => key(one) === undefined);
    assert.ok(key(two) !== undefined);
    await setRole('DELETE');
    await eventually(() => key(two) === undefined);
    await setRole('PUT');
    await eventually(() => key(two) !== undefined);
    await served.ask('PATCH', `/users/${userId}`, admin, { user: { enabled: false } });
    await eventually(() => key(two) === undefined);
    await served.ask('PATCH', `/users/${userId}`, admin, { user: { enabled: true } });
    await eventually(() => key(two) !== undefined);
    assert.equal(key('NOSUCHKEY'), undefined);
  });

  test('follows a role that a group gives', async () => {
    const made = await served.ask('POST', '/groups', admin, { group: { name: 'crew' } });
    const group = textAt(made.body, 'group.id');
    const roleId = textAt((await served.ask('GET', '/roles?name=manager', admin)).body, 'roles.0.id');
    await served.ask('PUT', `/groups/${group}/users/${userId}`, admin);
    const access = await makeKeys();
    await eventually(() => key(access)?.roles.includes('manager') === false);
    await served.ask('PUT', `/projects/${demo}/groups/${group}/roles/${roleId}`, admin);
    await eventually(() => key(access)?.roles.includes('manager') === true);
    await served.ask('DELETE', `/groups/${group}/users/${userId}`, admin);
    await eventually(() => key(access)?.roles.includes('manager') === false);
  });

  test('tells which projects there are', async () => {
    assert.equal(follower.known.project(demo)?.name, 'demo');
    assert.equal(follower.known.project(demo)?.domainId, 'default');
    assert.equal(follower.known.project('none'), undefined);
    const made = await served.ask('POST', '/projects', admin, { project: { name: 'attic' } });
    const id = textAt(made.body, 'project.id');
    await eventually(() => follower.known.project(id)?.name === 'attic');
    await served.ask('DELETE', `/projects/${id}`, admin);
    await eventually(() => follower.known.project(id) === undefined);
  });

  test('is not for who has not the cluster’s key', async () => {
    const problems: string[] = [];
    const stranger = await follow({
      clusterKey: Buffer.alloc(32, 1),
      cacheFile: join(folder, 'stranger'),
      report: (problem) => problems.push(problem),
    });
    await eventually(() => problems.length > 0);
    assert.match(problems[0] ?? '', /no proof/);
    assert.equal(stranger.known.isCurrent, false);
    await stranger.close();
  });

  test('is not believed when it comes from somebody without the cluster’s key', async () => {
    const body = Buffer.from('{"begins":true,"isWhole":true,"put":[],"removed":[]}');
    const impostor = new Server();
    impostor.addService(
      { follow: loadFollowMethod() },
      {
        follow: (call: ServerWritableStream<FollowRequest, FeedFrame>) => {
          call.write(new FeedProof(Buffer.alloc(32, 1)).frame(call.request.nonce, 0, body));
        },
      },
    );
    const port = await new Promise<number>((resolve, reject) =>
      impostor.bindAsync(`${host}:0`, ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      ),
    );
    const problems: string[] = [];
    const wary = await follow({
      feed: { host, port },
      cacheFile: join(folder, 'wary'),
      report: (problem) => problems.push(problem),
    });
    await eventually(() => problems.length > 0);
    assert.match(problems[0] ?? '', /did not prove/);
    assert.equal(wary.known.isCurrent, false);
    await wary.close();
    impostor.forceShutdown();
  });

  test('gone, leaves what is known good, for the stated time, over a restart too; and is followed again when it is back', async () => {
    const access = await makeKeys();
    const token = await login();
    await eventually(() => key(access) !== undefined);
    const { port } = feed;
    await feed.close();
    assert.ok(key(access) !== undefined);
    assert.equal(follower.known.verifyToken(token).user.id, userId);

    await follower.close();
    const file = await readFile(join(folder, 'cache'), 'latin1');
    assert.doesNotMatch(file, new RegExp(access));
    assert.equal((await stat(join(folder, 'cache'))).mode & 0o777, 0o600);
    const impatient = await follow({ feed: { host, port }, keepMs: -1 });
    assert.equal(impatient.known.project(demo)?.name, 'demo');
    for (const ask of [() => impatient.known.accessKey(access), () => impatient.known.verifyToken(token)])
      assert.throws(ask, (error) => hasCode(error, 'peer-unavailable'));
    await impatient.close();
    follower = await follow({ feed: { host, port } });
    assert.ok(key(access) !== undefined);
    assert.equal(follower.known.verifyToken(token).user.id, userId);

    // What is revoked while nobody listens is told to who comes back.
    await served.ask('DELETE', '/auth/tokens', token, undefined, { 'x-subject-token': token });
    await served.ask('DELETE', `/users/${userId}/credentials/OS-EC2/${access}`, admin);
    feed = await serve(port);
    await eventually(() => isRefused(token) && key(access) === undefined);
  });

  test('a file that is damaged is as good as none', async () => {
    const cacheFile = join(folder, 'damaged');
    await writeFile(cacheFile, 'what is this', { mode: 0o600 });
    const problems: string[] = [];
    const other = await follow({ cacheFile, report: (problem) => problems.push(problem) });
    assert.match(problems[0] ?? '', /not a sealed one/);
    await eventually(() => other.known.isCurrent);
    await other.close();
  });
});

async function eventually(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    if (holds()) return;
    await sleep(20);
  }
  assert.fail('it never came true');
}
