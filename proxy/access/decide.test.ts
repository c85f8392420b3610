import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { spaceId } from '#common/ids.ts';
import { type AccessControlList, parseStoredList, privateList } from './acl/access-control-list.ts';
import { cannedList } from './acl/canned-list.ts';
import type { S3Action } from './actions.ts';
import { anonymousAccount } from './anonymous.ts';
import type { BucketRules } from './bucket-rules.ts';
import { decideAccess, type Requester } from './decide.ts';
import { parsePolicy } from './policy/parse-policy.ts';
import { noPublicAccessBlock } from './public-access-block.ts';

const adaId = spaceId('a'.repeat(32));
const bobId = spaceId('b'.repeat(32));
const person = (account: typeof adaId, userName: string): Requester => ({
  account,
  userName,
  anonymous: false,
  admin: false,
  ownsAccount: true,
  readsAccount: false,
});
const ada = person(adaId, 'ada');
const bob = person(bobId, 'bob');
const member: Requester = { ...ada, userName: 'minor', ownsAccount: false };
const reader: Requester = { ...member, userName: 'reader', readsAccount: true };
const admin: Requester = { ...bob, admin: true };
const nobody: Requester = { ...person(anonymousAccount, 'anonymous'), anonymous: true, ownsAccount: false };

const canned = (name: string, owner = adaId): AccessControlList => {
  const list = cannedList(name, owner, adaId);
  assert.ok(list !== undefined);
  return list;
};

function rules(changes: Partial<BucketRules> = {}): BucketRules {
  return {
    owner: adaId,
    list: privateList(adaId),
    policy: undefined,
    block: noPublicAccessBlock,
    ownership: 'ObjectWriter',
    ...changes,
  };
}

function decide(who: Requester, action: S3Action, bucket: BucketRules, object?: AccessControlList) {
  return decideAccess({
    who,
    action,
    bucket,
    bucketName: 'box',
    key: 'key',
    object,
    context: () => undefined,
  });
}

const policy = (effect: 'Allow' | 'Deny', action: string, principal: unknown = '*') =>
  parsePolicy(
    JSON.stringify({
      Statement: {
        Effect: effect,
        Principal: principal,
        Action: action,
        Resource: ['arn:aws:s3:::box', 'arn:aws:s3:::box/*'],
      },
    }),
  );

describe('a bucket that nobody has opened', () => {
  const own = privateList(adaId);

  test('is its owner’s and the administrator’s', () => {
    for (const who of [ada, admin]) {
      assert.equal(decide(who, 's3:ListBucket', rules()), 'allow');
      assert.equal(decide(who, 's3:PutObject', rules()), 'allow');
      assert.equal(decide(who, 's3:GetObject', rules(), own), 'allow');
      assert.equal(decide(who, 's3:GetObject', rules()), 'absent');
    }
  });

  test('is closed to others, to members without a grant, and to whoever does not sign', () => {
    for (const who of [bob, nobody, member]) {
      for (const action of ['s3:ListBucket', 's3:PutObject', 's3:DeleteObject', 's3:GetBucketAcl'] as const) {
        assert.equal(decide(who, action, rules()), 'deny');
      }
    }
    assert.equal(decide(bob, 's3:GetObject', rules(), own), 'deny');
    assert.equal(decide(bob, 's3:GetObject', rules()), 'deny', 'not even that an object is absent is told');
  });
});

describe('lists', () => {
  test('give each what its name says', () => {
    const open = rules({ list: canned('public-read') });
    assert.equal(decide(nobody, 's3:ListBucket', open), 'allow');
    assert.equal(decide(nobody, 's3:PutObject', open), 'deny');
    assert.equal(decide(nobody, 's3:GetObject', open, privateList(adaId)), 'deny');
    assert.equal(decide(nobody, 's3:GetObject', open), 'absent');
    assert.equal(decide(nobody, 's3:PutObject', rules({ list: canned('public-read-write') })), 'allow');
    const known = rules({ list: canned('authenticated-read') });
    assert.equal(decide(bob, 's3:ListBucket', known), 'allow');
    assert.equal(decide(nobody, 's3:ListBucket', known), 'deny');
    assert.equal(decide(nobody, 's3:GetObject', rules(), canned('public-read')), 'allow');
    assert.equal(decide(nobody, 's3:GetObjectAcl', rules(), canned('public-read')), 'deny');
  });

  test('of an object that another wrote keep the bucket’s owner out, until it is let in', () => {
    const bucket = rules({ list: canned('public-read-write') });
    assert.equal(decide(ada, 's3:GetObject', bucket, privateList(bobId)), 'deny');
    assert.equal(decide(ada, 's3:GetObjectAcl', bucket, privateList(bobId)), 'deny');
    assert.equal(decide(ada, 's3:DeleteObject', bucket, privateList(bobId)), 'allow');
    assert.equal(decide(ada, 's3:GetObject', bucket, canned('bucket-owner-read', bobId)), 'allow');
    assert.equal(decide(bob, 's3:GetObject', bucket, privateList(bobId)), 'allow');
    assert.equal(decide(bob, 's3:PutObjectAcl', bucket, { owner: bobId, grants: [] }), 'allow');
    const enforced = rules({ ownership: 'BucketOwnerEnforced', list: canned('public-read-write') });
    assert.equal(decide(ada, 's3:GetObject', enforced, privateList(bobId)), 'allow');
    assert.equal(decide(bob, 's3:GetObject', enforced, privateList(bobId)), 'deny');
    assert.equal(decide(nobody, 's3:PutObject', enforced), 'deny');
  });

  test('give the public nothing where that is ignored', () => {
    const block = { ...noPublicAccessBlock, ignorePublicAcls: true };
    const bucket = rules({ block, list: canned('public-read-write') });
    assert.equal(decide(nobody, 's3:ListBucket', bucket), 'deny');
    assert.equal(decide(bob, 's3:PutObject', bucket), 'deny');
    assert.equal(decide(bob, 's3:GetObject', bucket, canned('public-read')), 'deny');
  });

  test('are stored and read back; a malformed one is refused', () => {
    for (const name of ['private', 'public-read-write', 'authenticated-read', 'log-delivery-write']) {
      const list = canned(name);
      assert.deepEqual(parseStoredList(JSON.parse(JSON.stringify(list))), list);
    }
    for (const value of [
      null,
      1,
      {},
      { owner: 'x', grants: [] },
      { owner: adaId, grants: [{ grantee: 'AllUsers' }] },
    ]) {
      assert.throws(() => parseStoredList(value));
    }
  });
});

describe('policies', () => {
  test('allow others, in the name of the bucket’s owner only', () => {
    const bucket = rules({ policy: policy('Allow', 's3:GetObject', { AWS: bobId }) });
    assert.equal(decide(bob, 's3:GetObject', bucket, privateList(adaId)), 'allow');
    assert.equal(decide(nobody, 's3:GetObject', bucket, privateList(adaId)), 'deny');
    const third = spaceId('c'.repeat(32));
    assert.equal(decide(bob, 's3:GetObject', bucket, privateList(third)), 'deny');
  });

  test('deny even the owner, who can still take the policy back', () => {
    const bucket = rules({ policy: policy('Deny', 's3:*') });
    assert.equal(decide(ada, 's3:ListBucket', bucket), 'deny');
    assert.equal(decide(ada, 's3:GetObject', bucket, canned('public-read')), 'deny');
    assert.equal(decide(ada, 's3:DeleteBucketPolicy', bucket), 'allow');
    assert.equal(decide(member, 's3:DeleteBucketPolicy', bucket), 'deny');
    assert.equal(decide(bob, 's3:DeleteBucketPolicy', bucket), 'deny');
  });

  test('that are public hold for the owner’s account where they are restricted', () => {
    const block = { ...noPublicAccessBlock, restrictPublicBuckets: true };
    const bucket = rules({ block, policy: policy('Allow', 's3:ListBucket') });
    assert.equal(decide(nobody, 's3:ListBucket', bucket), 'deny');
    assert.equal(decide(bob, 's3:ListBucket', bucket), 'deny');
    assert.equal(decide(member, 's3:ListBucket', bucket), 'allow');
  });
});

test('a reader reads what is its account’s, unless a policy refuses it, and changes nothing', () => {
  const list = canned('private');
  for (const action of ['s3:GetObject', 's3:ListBucket', 's3:GetBucketAcl', 's3:GetBucketPolicy'] as const)
    assert.equal(decide(reader, action, rules(), list), 'allow', action);
  for (const action of ['s3:PutObject', 's3:DeleteObject', 's3:PutBucketAcl', 's3:DeleteBucket'] as const)
    assert.equal(decide(reader, action, rules(), list), 'deny', action);
  assert.equal(
    decide(reader, 's3:GetObject', rules({ owner: bobId, list: canned('private', bobId) }), list),
    'deny',
  );
  assert.equal(decide(reader, 's3:GetObject', rules(), canned('private', bobId)), 'deny');
  assert.equal(decide(reader, 's3:GetObject', rules()), 'absent');
  const refusing = rules({ policy: policy('Deny', 's3:GetObject') });
  assert.equal(decide(reader, 's3:GetObject', refusing, list), 'deny');
});
