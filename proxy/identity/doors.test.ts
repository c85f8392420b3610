/** Keystone's users at both doors: tokens at Swift's, EC2 keys at S3's, beside the users file's. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { ManualClock } from '#common/io/manual-clock.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import type { Ec2Item, FeedItem } from '#control/protocol/identity-feed.ts';
import { KnownIdentity } from '#control/protocol/known-identity.ts';
import { SecretSeal } from '#control/protocol/sealed-secret.ts';
import { signToken } from '#control/protocol/token-format.ts';
import type { TokenStatement } from '#control/protocol/token-statement.ts';
import { ada, openTestBed, type TestBed } from '../swift/swift-test-bed.ts';

const aws4 = createRequire(import.meta.url)('aws4') as {
  sign(
    request: Record<string, unknown>,
    keys: { accessKeyId: string; secretAccessKey: string },
  ): { readonly headers: Record<string, string> };
};

const KEEP_MS = 3_600_000;
const SECRET = 'the secret of a key';
const DEFAULT = { id: 'default', name: 'Default' };
const ELSEWHERE = { id: 'e'.repeat(32), name: 'elsewhere' };
const films = { id: '1'.repeat(32), name: 'films', domain: DEFAULT };
const lab = { id: '2'.repeat(32), name: 'lab', domain: DEFAULT };
/** Called as one of the users file's accounts is. */
const sky = { id: '3'.repeat(32), name: 'sky', domain: DEFAULT };
const farLab = { id: '4'.repeat(32), name: 'lab', domain: ELSEWHERE };

interface Person {
  readonly user: string;
  readonly project: typeof films;
  readonly roles: readonly string[];
}
const ann: Person = { user: 'ann', project: films, roles: ['member', 'reader'] };
const rob: Person = { user: 'rob', project: films, roles: ['reader'] };
const kit: Person = { user: 'kit', project: films, roles: ['cutter'] };
const zoe: Person = { user: 'zoe', project: lab, roles: ['member', 'reader'] };
const far: Person = { user: 'zoe', project: farLab, roles: ['member', 'reader'] };
const boss: Person = { user: 'boss', project: lab, roles: ['admin', 'manager', 'member', 'reader'] };
const chief: Person = { user: 'chief', project: lab, roles: ['ResellerAdmin'] };
/** With a namesake in the users file, who is somebody else. */
const falseAda: Person = { user: 'ada', project: sky, roles: ['member'] };

describe('Keystone’s users at the doors', () => {
  const clock = new ManualClock(Date.now());
  const known = new KnownIdentity({ clock, keepMs: KEEP_MS });
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const seal = new SecretSeal(Buffer.alloc(32, 7));
  let bed: TestBed;

  before(async () => {
    bed = await openTestBed(known);
    const der = publicKey.export({ format: 'der', type: 'spki' });
    tell([
      { kind: 'key', id: 1, publicKey: der.subarray(-32).toString('base64') },
      ...[films, lab, sky, farLab].map(({ id, name, domain }) => projectItem(id, name, domain.id)),
    ]);
    assert.equal((await asks(ann, 'PUT', films, 'box')).status, 201);
    assert.equal((await asks(ann, 'PUT', films, 'box/film', 'a film')).status, 201);
  });
  after(() => bed[Symbol.asyncDispose]());

  function tell(put: readonly FeedItem[], removed: readonly string[] = []): void {
    known.apply({ begins: known.changes === 0, isWhole: known.changes === 0, put, removed });
  }
  function projectItem(id: string, name: string, domainId: string): FeedItem {
    return { kind: 'project', id, name, domainId, isEnabled: true };
  }
  function tokenOf({ user, project, roles }: Person, change: Partial<TokenStatement> = {}): string {
    const auditId = Buffer.alloc(16, 1).toString('base64url');
    const statement: TokenStatement = {
      user: { id: userId(user, project), name: user, domain: project.domain },
      scope: { kind: 'project', project },
      roles: roles.map((name) => ({ id: `role-${name}`, name })),
      methods: ['password'],
      auditId,
      auditChainId: auditId,
      applicationCredential: undefined,
      issuedMs: clock.nowMs(),
      expiresMs: clock.nowMs() + 10 * KEEP_MS,
      ...change,
    };
    return signToken(statement, 1, privateKey);
  }
  const userId = (user: string, project: typeof films) =>
    Buffer.from(`${user} of ${project.domain.id}`).toString('hex').slice(0, 32).padEnd(32, '0');
  function sends(token: string, method: string, path: string, body?: string, headers: object = {}) {
    return bed.send({
      method,
      path,
      as: null,
      headers: { 'X-Auth-Token': token, ...headers },
      ...(body === undefined ? {} : { body }),
    });
  }
  const asks = (
    person: Person,
    method: string,
    { id }: typeof films,
    path: string,
    body?: string,
    headers: object = {},
  ) => sends(tokenOf(person), method, `/v1/AUTH_${id}/${path}`, body, headers);
  const status = async (...args: Parameters<typeof asks>) => (await asks(...args)).status;

  test('a member owns the project’s account, a reader reads it, another role gives nothing, another project’s neither', async () => {
    assert.equal((await asks(ann, 'GET', films, 'box')).text, 'film\n');
    for (const [person, reads, writes] of [
      [ann, 200, 201],
      [rob, 200, 403],
      [kit, 403, 403],
      [zoe, 403, 403],
    ] as const) {
      assert.equal(await status(person, 'GET', films, 'box/film'), reads, person.user);
      assert.equal(await status(person, 'PUT', films, 'box/other', 'x'), writes, person.user);
    }
    assert.equal(await status(rob, 'DELETE', films, 'box/film'), 403);
    assert.equal(await status(rob, 'POST', films, 'box', '', { 'X-Container-Read': '*:*' }), 403);
    assert.equal(await status(rob, 'POST', films, '', '', { 'X-Account-Meta-A': 'a' }), 403);
    // What only owners see.
    const headers = { 'X-Account-Meta-Temp-URL-Key': 'hidden' };
    await asks(ann, 'POST', films, '', '', headers);
    assert.equal((await asks(ann, 'HEAD', films, '')).headers['x-account-meta-temp-url-key'], 'hidden');
    assert.equal((await asks(rob, 'HEAD', films, '')).headers['x-account-meta-temp-url-key'], undefined);
    await asks(ann, 'DELETE', films, 'box/other');
  });

  test('an admin of a project owns its account alone', async () => {
    assert.equal(await status(boss, 'PUT', lab, 'bosses'), 201);
    assert.equal(await status(boss, 'DELETE', lab, 'bosses'), 204);
    assert.equal(await status(boss, 'GET', films, 'box/film'), 403);
    assert.equal(await status(boss, 'PUT', films, 'bosses'), 403);
    const account = await asks(boss, 'HEAD', lab, '');
    assert.equal(account.headers['x-account-project-domain-id'], lab.domain.id);
  });

  test('a reseller’s admin may do everything in every account, and in those of projects that are gone', async () => {
    assert.equal(await status(chief, 'GET', films, 'box/film'), 200);
    assert.equal(await status(chief, 'PUT', films, 'chiefs'), 201);
    assert.equal(await status(chief, 'DELETE', films, 'chiefs'), 204);
    assert.equal(
      await bed.status({ path: '/v1/AUTH_sky', as: null, headers: { 'X-Auth-Token': tokenOf(chief) } }),
      204,
    );
    tell([], [`project/${films.id}`]);
    assert.equal(await status(chief, 'GET', films, 'box/film'), 200);
    assert.equal(await status(zoe, 'GET', films, 'box/film'), 403);
    tell([projectItem(films.id, films.name, DEFAULT.id)]);
  });

  test('an access list names users of other projects by id or by *, and by name within the default domain', async () => {
    const zoeId = userId('zoe', lab);
    const cases: readonly [string, boolean, boolean][] = [
      // The list; whether zoe of lab is let in, and whether zoe of the other domain's lab.
      ['lab:zoe', true, false],
      ['lab:*', true, false],
      ['*:zoe', true, false],
      [`${lab.id}:${zoeId}`, true, false],
      [`*:${zoeId}`, true, false],
      [`${farLab.id}:*`, false, true],
      [`${lab.id}:zoe`, true, false],
      ['*:*', true, true],
      ['lab', false, false],
      ['member', false, false],
      ['films:zoe', false, false],
    ];
    for (const [list, isZoe, isFar] of cases) {
      assert.equal(await status(ann, 'POST', films, 'box', '', { 'X-Container-Read': list }), 204);
      assert.equal(await status(zoe, 'GET', films, 'box/film'), isZoe ? 200 : 403, list);
      assert.equal(await status(far, 'GET', films, 'box/film'), isFar ? 200 : 403, list);
      assert.equal(await status(zoe, 'PUT', films, 'box/zoes', 'x'), 403, list);
    }
    await asks(ann, 'POST', films, 'box', '', {
      'X-Container-Read': 'cutter',
      'X-Container-Write': 'lab:zoe',
    });
    assert.equal(await status(kit, 'GET', films, 'box/film'), 200);
    assert.equal(await status(zoe, 'PUT', films, 'box/zoes', 'x'), 201);
    assert.equal(await status(ann, 'DELETE', films, 'box/zoes'), 204);
    await asks(ann, 'POST', films, 'box', '', { 'X-Container-Read': '.r:*', 'X-Container-Write': '' });
    assert.equal(await bed.status({ path: `/v1/AUTH_${films.id}/box/film`, as: null }), 200);
    assert.equal(await bed.status({ path: `/v1/AUTH_${films.id}/box`, as: null }), 401);
    await asks(ann, 'POST', films, 'box', '', { 'X-Container-Read': '' });
  });

  test('a name that the users file has means the users file’s', async () => {
    assert.equal(await bed.status({ method: 'PUT', path: 'private', as: ada }), 201);
    assert.equal((await sends(tokenOf(falseAda), 'GET', '/v1/AUTH_sky/private')).status, 403);
    await asks(ann, 'POST', films, 'box', '', { 'X-Container-Read': 'sky:ada' });
    assert.equal(await status(falseAda, 'GET', films, 'box/film'), 403);
    assert.equal(await bed.status({ path: `/v1/AUTH_${films.id}/box/film`, as: ada }), 200);
    await asks(ann, 'POST', films, 'box', '', { 'X-Container-Read': '' });
  });

  test('a token is good for what it says: not unscoped, not expired, not revoked, not beyond its access rules', async () => {
    const path = `/v1/AUTH_${films.id}/box/film`;
    const gets = async (change: Partial<TokenStatement>) =>
      (await sends(tokenOf(ann, change), 'GET', path)).status;
    assert.equal(await gets({}), 200);
    assert.equal(await gets({ scope: { kind: 'unscoped' }, roles: [] }), 401);
    assert.equal(await gets({ scope: { kind: 'domain', domain: DEFAULT } }), 401);
    assert.equal(await gets({ expiresMs: clock.nowMs() }), 401);
    const rule = { id: 'a'.repeat(32), service: 'object-store', method: 'GET', path: '/v1/*/box/**' };
    const credential = { id: 'b'.repeat(32), isRestricted: true, accessRules: [rule] };
    assert.equal(await gets({ applicationCredential: credential }), 200);
    const other = { ...credential, accessRules: [{ ...rule, method: 'HEAD' }] };
    assert.equal(await gets({ applicationCredential: other }), 401);
    for (const nonsense of ['HF', 'HFAAAA', tokenOf(ann).slice(0, -4), `${tokenOf(ann)}AAAA`, 'gAAAAA'])
      assert.equal((await sends(nonsense, 'GET', path)).status, 401);
    const revocation = {
      id: 'r',
      issuedBeforeMs: clock.nowMs(),
      endsMs: clock.nowMs() + KEEP_MS,
      userId: userId('rob', films),
    };
    assert.equal(await status(rob, 'GET', films, 'box/film'), 200);
    tell([{ kind: 'revocation', revocation }]);
    assert.equal(await status(rob, 'GET', films, 'box/film'), 401);
    tell([], ['revocation/r']);
  });

  test('on the system an admin may do everything in every account, a reader read it, and nobody has one', async () => {
    const path = `/v1/AUTH_${films.id}/box`;
    const on = (...roles: readonly string[]) => tokenOf({ ...zoe, roles }, { scope: { kind: 'system' } });
    const asked = async (token: string, method: string, rest: string) =>
      (await sends(token, method, path + rest, method === 'PUT' ? 'x' : undefined)).status;
    assert.equal(await asked(on('reader'), 'GET', '/film'), 200);
    assert.equal(await asked(on('reader'), 'GET', ''), 200);
    assert.equal(await asked(on('reader'), 'PUT', '/readers'), 403);
    assert.equal(await asked(on('reader'), 'DELETE', '/film'), 403);
    assert.equal(await asked(on('member'), 'GET', '/film'), 403);
    const admin = on('admin', 'manager', 'member', 'reader');
    assert.equal(await asked(admin, 'PUT', '/admins'), 201);
    assert.equal(await asked(admin, 'DELETE', '/admins'), 204);
    // No list names whoever has no project, not even as everybody with one.
    await asks(ann, 'POST', films, 'box', '', { 'X-Container-Read': '*:*' });
    assert.equal(await asked(on('member'), 'GET', '/film'), 403);
    await asks(ann, 'POST', films, 'box', '', { 'X-Container-Read': '' });
  });

  test('a service finishes what a user asked for in time: past the token’s end and its access rules, and not past a revocation', async () => {
    const path = `/v1/AUTH_${films.id}/box/film`;
    const DAY_MS = 86_400_000;
    const glance = tokenOf({ user: 'glance', project: lab, roles: ['service'] });
    const gets = async (user: string, service?: string) =>
      (await sends(user, 'GET', path, undefined, service === undefined ? {} : { 'X-Service-Token': service }))
        .status;
    const endedMsAgo = (ms: number) =>
      tokenOf(ann, { issuedMs: clock.nowMs() - DAY_MS, expiresMs: clock.nowMs() - ms });
    const late = endedMsAgo(1);
    assert.equal(await gets(late), 401);
    assert.equal(await gets(late, glance), 200);
    assert.equal(await gets(endedMsAgo(DAY_MS - 1), glance), 200);
    assert.equal(await gets(endedMsAgo(DAY_MS), glance), 401);
    // Whoever has no role of a service lends none; a service's token that is of no use is refused.
    assert.equal(await gets(late, tokenOf(zoe)), 401);
    assert.equal(await gets(tokenOf(ann), tokenOf(zoe)), 200);
    const lateService = tokenOf(
      { user: 'glance', project: lab, roles: ['service'] },
      { expiresMs: clock.nowMs() },
    );
    for (const useless of [lateService, 'AUTH_tkAAAA', 'HF', ''])
      assert.equal(await gets(tokenOf(ann), useless), 401);
    // What the user may not do, the service does not do for it.
    assert.equal(await gets(tokenOf(zoe), glance), 403);
    const rule = { id: 'a'.repeat(32), service: 'volume', method: 'POST', path: '/v3/**' };
    const ruled = tokenOf(ann, {
      applicationCredential: { id: 'b'.repeat(32), isRestricted: true, accessRules: [rule] },
    });
    assert.equal(await gets(ruled), 401);
    assert.equal(await gets(ruled, glance), 200);
    const revocation = {
      id: 'late',
      issuedBeforeMs: clock.nowMs(),
      endsMs: clock.nowMs() + DAY_MS,
      userId: userId('ann', films),
    };
    tell([{ kind: 'revocation', revocation }]);
    assert.equal(await gets(late, glance), 401);
    tell([], ['revocation/late']);
  });

  test('EC2 keys sign at the S3 door, each with its user’s rights, until they are taken away', async () => {
    const item = (access: string, { user, project, roles }: Person): Ec2Item => ({
      kind: 'ec2',
      access,
      credentialId: `id-${access}`,
      sealed: seal.seal(Buffer.from(SECRET), `credential id-${access}`, realRandomness()),
      user: { id: userId(user, project), name: user, domain: project.domain },
      project,
      roles,
    });
    tell([item('ANN1', ann), item('ANN2', ann), item('ROB1', rob), item('ZOE1', zoe), item('CHIEF1', chief)]);
    const gets = (access: string) => s3(access, 'GET', '/box/film');
    assert.deepEqual(await gets('ANN1'), [200, 'a film']);
    assert.equal((await gets('ANN2'))[0], 200);
    assert.equal((await gets('ROB1'))[0], 200);
    assert.equal((await gets('CHIEF1'))[0], 200);
    assert.match((await gets('ZOE1'))[1], /AccessDenied/);
    assert.equal((await s3('ANN1', 'PUT', '/box/new'))[0], 200);
    assert.match((await s3('ROB1', 'PUT', '/box/newer'))[1], /AccessDenied/);
    assert.match((await s3('ROB1', 'PUT', '/robs-bucket'))[1], /AccessDenied/);
    assert.match((await s3('ROB1', 'GET', '/'))[1], /<ID>1{32}<\/ID><DisplayName>films<.*<Name>box</);
    assert.match((await s3('ANN1', 'GET', '/box/film', 'another secret'))[1], /SignatureDoesNotMatch/);
    tell([], ['ec2/ANN1']);
    assert.match((await gets('ANN1'))[1], /InvalidAccessKeyId/);
    assert.equal((await gets('ANN2'))[0], 200);
    tell([{ ...item('ANN2', ann), endsMs: clock.nowMs() }]);
    assert.match((await gets('ANN2'))[1], /InvalidAccessKeyId/);
    tell([{ ...item('ANN2', ann), roles: ['reader'] }]);
    assert.match((await s3('ANN2', 'PUT', '/box/new'))[1], /AccessDenied/);
  });

  test('when nothing was heard for the stated time nobody can tell, and the users file’s users go on', async () => {
    clock.advance(KEEP_MS);
    assert.equal(await status(ann, 'GET', films, 'box/film'), 200);
    clock.advance(1);
    assert.equal(await status(ann, 'GET', films, 'box/film'), 503);
    assert.equal((await s3('ROB1', 'GET', '/box/film'))[0], 503);
    assert.equal(await bed.status({ path: 'private', as: ada }), 204);
    tell([]);
    assert.equal(await status(ann, 'GET', films, 'box/film'), 200);
    assert.equal((await s3('ROB1', 'GET', '/box/film'))[0], 200);
  });

  async function s3(
    access: string,
    method: string,
    path: string,
    secret = SECRET,
  ): Promise<[number, string]> {
    const { headers } = aws4.sign(
      {
        service: 's3',
        region: 'us-east-1',
        method,
        path,
        headers: { Host: 'localhost', 'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD' },
      },
      { accessKeyId: access, secretAccessKey: secret },
    );
    const sent = { method, path, as: null, headers, ...(method === 'PUT' ? { body: '' } : {}) };
    const { status: code, text } = await bed.send(sent);
    return [code, text];
  }
});
