/** Which tokens a revocation touches. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Revocation, RevocationList } from './revocations.ts';
import type { TokenStatement } from './token-statement.ts';

const token: TokenStatement = {
  user: { id: 'ann', name: 'Ann', domain: { id: 'home', name: 'Home' } },
  scope: {
    kind: 'project',
    project: { id: 'films', name: 'Films', domain: { id: 'studio', name: 'Studio' } },
  },
  roles: [{ id: 'm', name: 'member' }],
  methods: ['password'],
  auditId: 'audit',
  auditChainId: 'chain',
  applicationCredential: { id: 'robot', isRestricted: true, accessRules: undefined },
  issuedMs: 1000,
  expiresMs: 9000,
};
const isTouched = (what: Partial<Revocation>) => {
  const list = new RevocationList();
  list.add({ id: 'r', issuedBeforeMs: 1000, endsMs: 9000, ...what });
  return list.isRevoked(token);
};

describe('a revocation', () => {
  test('touches what has all that it names', () => {
    for (const what of [
      {},
      { userId: 'ann' },
      { projectId: 'films' },
      { domainId: 'home' },
      { domainId: 'studio' },
      { roleId: 'm' },
      { auditId: 'audit' },
      { auditChainId: 'chain' },
      { applicationCredentialId: 'robot' },
      { userId: 'ann', projectId: 'films', roleId: 'm' },
    ])
      assert.equal(isTouched(what), true, JSON.stringify(what));
  });

  test('leaves alone what lacks one of them, and what was issued later', () => {
    for (const what of [
      { userId: 'bob' },
      { projectId: 'other' },
      { domainId: 'elsewhere' },
      { roleId: 'x' },
      { auditId: 'chain' },
      { applicationCredentialId: 'other' },
      { isSystem: true },
      { userId: 'ann', projectId: 'other' },
      { auditId: 'audit', userId: 'bob' },
      { userId: 'ann', issuedBeforeMs: 999 },
    ])
      assert.equal(isTouched(what), false, JSON.stringify(what));
  });

  test('goes when it is taken away, or has ended', () => {
    const list = new RevocationList();
    list.add({ id: 'one', issuedBeforeMs: 1000, endsMs: 9000, userId: 'ann' });
    list.add({ id: 'two', issuedBeforeMs: 1000, endsMs: 5000, projectId: 'films' });
    list.remove('one');
    assert.equal(list.isRevoked(token), true);
    list.dropEnded(6000);
    assert.equal(list.isRevoked(token), false);
    assert.equal(list.size, 0);
  });
});
