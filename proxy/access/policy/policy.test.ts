import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { conditionHolds, type ContextOf, parseCondition } from './condition.ts';
import { evaluatePolicy, type PolicyVerdict } from './evaluate-policy.ts';
import { parsePolicy, POLICY_BYTES_MAX } from './parse-policy.ts';
import { PolicyError } from './policy.ts';
import { policyForBucket } from './policy-for-bucket.ts';
import { matchesWildcard, quoteWildcards } from './wildcard.ts';

const ada = 'a'.repeat(32);
const bob = 'b'.repeat(32);

function policyText(...statements: object[]): string {
  const whole = statements.map((statement) => ({
    Effect: 'Allow',
    ...('NotPrincipal' in statement ? {} : { Principal: '*' }),
    ...('NotAction' in statement ? {} : { Action: 's3:GetObject' }),
    ...('NotResource' in statement ? {} : { Resource: 'arn:aws:s3:::box/*' }),
    ...statement,
  }));
  return JSON.stringify({ Version: '2012-10-17', Statement: whole });
}

interface Asked {
  readonly by?: string;
  readonly user?: string;
  readonly action?: string;
  readonly resource?: string;
  readonly context?: Readonly<Record<string, readonly string[]>>;
}

function verdictOf(text: string, asked: Asked = {}): PolicyVerdict {
  const { by, user = 'someone', action = 's3:GetObject', resource = 'box/key', context = {} } = asked;
  const principal = by === undefined ? undefined : { account: by, userName: user };
  const contextOf: ContextOf = (key) => context[key];
  return evaluatePolicy(parsePolicy(text), { principal, action, resource, context: contextOf });
}

describe('wildcards', () => {
  const alphabet = fc.constantFrom('a', 'b', '*', '?', '/', '.');
  const text = fc.array(alphabet, { maxLength: 12 }).map((parts) => parts.join(''));

  test('agree with a regular expression that says the same', () => {
    fc.assert(
      fc.property(text, text, (pattern, subject) => {
        const source = pattern.replace(/[.*?/]/g, (found) =>
          found === '*' ? '[^]*' : found === '?' ? '[^]' : `\\${found}`,
        );
        assert.equal(matchesWildcard(pattern, subject), new RegExp(`^${source}$`).test(subject));
      }),
      { numRuns: 2000 },
    );
  });

  test('a quoted text matches itself and nothing else', () => {
    fc.assert(
      fc.property(text, text, (own, other) => {
        assert.ok(matchesWildcard(quoteWildcards(own), own));
        assert.equal(matchesWildcard(quoteWildcards(own), other), own === other);
      }),
    );
  });

  test('a hostile pattern is answered for', () => {
    assert.equal(matchesWildcard('*a'.repeat(2000), 'a'.repeat(1000)), false);
    assert.equal(matchesWildcard(`${'*'.repeat(20_000)}b`, 'a'.repeat(1024)), false);
  });
});

describe('statements', () => {
  test('name everyone, accounts, users and all but some', () => {
    const allows = (principal: object, by?: string, user?: string) =>
      verdictOf(policyText(principal), {
        ...(by === undefined ? {} : { by }),
        ...(user === undefined ? {} : { user }),
      }) === 'allow';
    assert.ok(allows({ Principal: '*' }));
    assert.ok(allows({ Principal: { AWS: '*' } }, bob));
    assert.ok(allows({ Principal: { AWS: [`arn:aws:iam::${bob}:root`] } }, bob));
    assert.ok(allows({ Principal: { CanonicalUser: bob } }, bob));
    assert.ok(allows({ Principal: { AWS: bob } }, bob));
    assert.ok(!allows({ Principal: { AWS: bob } }, ada));
    assert.ok(!allows({ Principal: { AWS: bob } }));
    assert.ok(allows({ Principal: { AWS: `arn:aws:iam::${bob}:user/team/eve` } }, bob, 'eve'));
    assert.ok(!allows({ Principal: { AWS: `arn:aws:iam::${bob}:user/eve` } }, bob, 'adam'));
    assert.ok(!allows({ Principal: { Service: 'logging.s3.amazonaws.com' } }, bob));
    assert.ok(allows({ NotPrincipal: { AWS: ada } }, bob));
    assert.ok(allows({ NotPrincipal: { AWS: ada } }));
    assert.ok(!allows({ NotPrincipal: { AWS: ada } }, ada));
  });

  test('name actions whatever their case, and all but some', () => {
    const allows = (statement: object, action: string) =>
      verdictOf(policyText(statement), { action }) === 'allow';
    assert.ok(allows({ Action: 's3:get*' }, 's3:GetObjectVersion'));
    assert.ok(allows({ Action: '*' }, 's3:PutObject'));
    assert.ok(allows({ Action: ['s3:PutObject', 's3:GetObject'] }, 's3:GetObject'));
    assert.ok(!allows({ Action: 's3:GetObject' }, 's3:GetObjectVersion'));
    assert.ok(allows({ NotAction: 's3:Delete*' }, 's3:GetObject'));
    assert.ok(!allows({ NotAction: 's3:Delete*' }, 's3:DeleteObject'));
  });

  test('name resources, with variables that never act as wildcards', () => {
    const allows = (resource: object, key: string, userName: string) =>
      verdictOf(policyText(resource), {
        resource: `box/${key}`,
        context: { 'aws:username': [userName] },
      }) === 'allow';
    const home = { Resource: 'arn:aws:s3:::box/home/${aws:username}/*' };
    assert.ok(allows(home, 'home/eve/letter', 'eve'));
    assert.ok(!allows(home, 'home/adam/letter', 'eve'));
    assert.ok(!allows(home, 'home/adam/letter', '*'));
    assert.ok(allows({ Resource: 'arn:aws:s3:::box/${*}' }, '*', 'eve'));
    assert.ok(!allows({ Resource: 'arn:aws:s3:::box/${*}' }, 'a', 'eve'));
    assert.ok(!allows({ Resource: 'arn:aws:s3:::box/${aws:unknown}' }, '', 'eve'));
    assert.ok(allows({ Resource: "arn:aws:s3:::box/${aws:unknown, 'other'}" }, 'other', 'eve'));
    assert.ok(allows({ NotResource: 'arn:aws:s3:::box/secret/*' }, 'open', 'eve'));
    assert.ok(!allows({ NotResource: 'arn:aws:s3:::box/secret/*' }, 'secret/x', 'eve'));
  });

  test('a denial wins wherever it stands', () => {
    const statement = fc.record({
      Effect: fc.constantFrom('Allow', 'Deny'),
      Action: fc.constantFrom('s3:GetObject', 's3:Get*', 's3:PutObject', '*'),
      Principal: fc.constantFrom<unknown>('*', { AWS: ada }, { AWS: bob }),
    });
    fc.assert(
      fc.property(fc.array(statement, { minLength: 1, maxLength: 8 }), (statements) => {
        const each = statements.map((one) => verdictOf(policyText(one), { by: ada }));
        const wanted = each.includes('deny') ? 'deny' : each.includes('allow') ? 'allow' : 'silent';
        assert.equal(verdictOf(policyText(...statements), { by: ada }), wanted);
        assert.equal(verdictOf(policyText(...statements.toReversed()), { by: ada }), wanted);
      }),
    );
  });
});

describe('conditions', () => {
  const holds = (operator: string, wanted: string | string[], ...found: string[]) =>
    conditionHolds(parseCondition(operator, 'aws:Key', [wanted].flat()), (key) =>
      key === 'aws:key' && found.length > 0 ? found : undefined,
    );

  test('compare texts, numbers, dates, truth values and addresses', () => {
    assert.ok(holds('StringEquals', ['x', 'y'], 'y'));
    assert.ok(!holds('StringNotEquals', ['x', 'y'], 'y'));
    assert.ok(holds('StringEqualsIgnoreCase', 'ABC', 'abc'));
    assert.ok(holds('StringLike', 'http://*.org/*', 'http://a.org/b'));
    assert.ok(holds('StringNotLike', 'http://*', 'ftp://x'));
    assert.ok(holds('NumericLessThanEquals', '10', '10'));
    assert.ok(!holds('NumericLessThan', '10', '10'));
    assert.ok(!holds('NumericEquals', '10', 'ten'));
    assert.ok(holds('DateGreaterThan', '2020-01-01T00:00:00Z', '2026-01-01T00:00:00Z'));
    assert.ok(holds('DateLessThan', '2000000000', '2026-01-01T00:00:00Z'));
    assert.ok(holds('Bool', 'true', 'TRUE'));
    assert.ok(holds('IpAddress', ['10.0.0.0/8', '192.168.1.1'], '192.168.1.1'));
    assert.ok(holds('IpAddress', '10.0.0.0/8', '::ffff:10.1.2.3'));
    assert.ok(holds('IpAddress', '2001:db8::/32', '2001:db8::1'));
    assert.ok(!holds('IpAddress', '10.0.0.0/8', '2001:db8::1'));
    assert.ok(holds('NotIpAddress', '10.0.0.0/8', '11.0.0.1'));
  });

  test('know what is not there', () => {
    assert.ok(!holds('StringEquals', 'x'));
    assert.ok(holds('StringEqualsIfExists', 'x'));
    assert.ok(!holds('StringEqualsIfExists', 'x', 'y'));
    assert.ok(holds('StringNotEquals', 'x'));
    assert.ok(holds('Null', 'true'));
    assert.ok(!holds('Null', 'true', 'x'));
    assert.ok(holds('Null', 'false', 'x'));
  });

  test('quantify over several values', () => {
    assert.ok(holds('ForAnyValue:StringEquals', ['a', 'b'], 'x', 'b'));
    assert.ok(!holds('ForAnyValue:StringEquals', ['a', 'b'], 'x', 'y'));
    assert.ok(!holds('ForAnyValue:StringEquals', 'a'));
    assert.ok(holds('ForAllValues:StringEquals', ['a', 'b'], 'a', 'b'));
    assert.ok(!holds('ForAllValues:StringEquals', ['a', 'b'], 'a', 'x'));
    assert.ok(holds('ForAllValues:StringLike', 'a*'));
  });

  test('a negated operator says the opposite of its plain one, of a value that is there', () => {
    const pairs = [
      ['StringEquals', 'StringNotEquals'],
      ['StringLike', 'StringNotLike'],
      ['ArnLike', 'ArnNotLike'],
    ] as const;
    const text = fc.string({ maxLength: 4, unit: fc.constantFrom('a', 'b', '*', '?') });
    fc.assert(
      fc.property(
        fc.constantFrom(...pairs),
        text,
        fc.array(text, { minLength: 1 }),
        (pair, found, wanted) => {
          assert.notEqual(holds(pair[0], wanted, found), holds(pair[1], wanted, found));
        },
      ),
    );
  });
});

describe('documents', () => {
  const refused = (text: string, pattern: RegExp = /./) =>
    assert.throws(
      () => policyForBucket(text, 'box'),
      (error) => {
        assert.ok(error instanceof PolicyError, String(error));
        assert.match(error.message, pattern);
        return true;
      },
    );

  test('that are no policy are refused, with the reason', () => {
    refused('');
    refused('[]');
    refused('{}', /Statement/);
    refused(JSON.stringify({ Statement: [] }), /empty/);
    refused(policyText({ Effect: 'Maybe' }), /effect/);
    refused(policyText({ Action: 'iam:GetUser' }), /action/);
    refused(policyText({ Resource: 'arn:aws:s3:::other/*' }), /resource/);
    refused(policyText({ Resource: 'box/*' }), /resource/);
    refused(policyText({ Principal: { AWS: 'not a principal' } }), /principal/);
    refused(policyText({ Principal: 'someone' }), /principal/);
    refused(policyText({ NotPrincipal: '*', Principal: '*' }), /both/);
    refused(policyText({ Colour: 'blue' }), /Colour/);
    refused(policyText({ Condition: { StringSame: { 'aws:Referer': 'x' } } }), /Condition/);
    refused(policyText({ Condition: { NumericEquals: { 's3:max-keys': 'many' } } }), /value/);
    refused(policyText({ Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/33' } } }), /value/);
    refused(policyText({ Condition: { StringEquals: { 'aws:Referer': { deep: true } } } }), /value/);
    refused(JSON.stringify({ Version: '2020-01-01', Statement: [] }), /version/);
  });

  test('that are too long, too deep or too many are refused', () => {
    refused(policyText({ Sid: 'x'.repeat(POLICY_BYTES_MAX) }), /size/);
    refused('['.repeat(10_000) + ']'.repeat(10_000), /deep/);
    refused(`{"Statement":${'{"a":'.repeat(300)}1${'}'.repeat(300)}}`, /deep/);
  });

  test('of any shape give a policy or a PolicyError', () => {
    fc.assert(
      fc.property(
        fc.json({ maxDepth: 6 }),
        fc.constantFrom('Effect', 'Action', 'Condition', 'Principal'),
        (json, name) => {
          for (const text of [json, policyText({ [name]: JSON.parse(json) as unknown })]) {
            try {
              parsePolicy(text);
            } catch (error) {
              assert.ok(error instanceof PolicyError, String(error));
            }
          }
        },
      ),
    );
  });

  test('are public when everyone is allowed something from anywhere', () => {
    const isPublic = (statement: object) => parsePolicy(policyText(statement)).isPublic;
    assert.ok(isPublic({}));
    assert.ok(isPublic({ NotPrincipal: { AWS: ada } }));
    assert.ok(isPublic({ Condition: { StringLike: { 'aws:Referer': 'http://a/*' } } }));
    assert.ok(isPublic({ Condition: { IpAddress: { 'aws:SourceIp': '0.0.0.0/1' } } }));
    assert.ok(!isPublic({ Effect: 'Deny' }));
    assert.ok(!isPublic({ Principal: { AWS: ada } }));
    assert.ok(!isPublic({ Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } }));
    assert.ok(!isPublic({ Condition: { StringEquals: { 'aws:PrincipalAccount': ada } } }));
  });
});
