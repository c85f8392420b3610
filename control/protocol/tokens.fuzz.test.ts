/** Whatever comes as a token: the statement that was signed, or no token. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { damaged, fuzz } from '#common/fuzz.fixture.ts';
import { hasCode } from '#common/errors.ts';
import { readToken, signToken } from './token-format.ts';
import { tokenMethods, type TokenStatement } from './token-statement.ts';
import { TokenVerifier } from './token-verifier.ts';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
const NOW_MS = 1_800_000_000_000;

const hex = fc.stringMatching(/^[0-9a-f]{32}$/);
const id = fc.oneof(hex, fc.constantFrom('default', 'ö', 'x'.repeat(255)));
const name = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((text) => text.isWellFormed());
const named = fc.record({ id, name });
const inDomain = fc.record({ id, name, domain: named });
const audit = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString('base64url'));
const rule = fc.record({
  id: hex,
  service: fc.constant('compute'),
  method: fc.constant('GET'),
  path: fc.constant('/v2/**'),
});
const statement: fc.Arbitrary<TokenStatement> = fc.record({
  user: inDomain,
  scope: fc.oneof(
    fc.constantFrom({ kind: 'unscoped' } as const, { kind: 'system' } as const),
    named.map((domain) => ({ kind: 'domain', domain }) as const),
    inDomain.map((project) => ({ kind: 'project', project }) as const),
  ),
  roles: fc.array(named, { maxLength: 6 }),
  methods: fc.subarray([...tokenMethods]),
  auditId: audit,
  auditChainId: audit,
  applicationCredential: fc.option(
    fc.record({
      id,
      isRestricted: fc.boolean(),
      accessRules: fc.option(fc.array(rule, { maxLength: 3 }), { nil: undefined }),
    }),
    { nil: undefined },
  ),
  issuedMs: fc.integer({ min: 0, max: NOW_MS }),
  expiresMs: fc.integer({ min: NOW_MS + 1, max: 2 * NOW_MS }),
});

function verifier(nowMs = NOW_MS): TokenVerifier {
  const made = new TokenVerifier({ nowMs: () => nowMs });
  made.addKey({ id: 7, publicKey: raw });
  return made;
}
const refused = (error: unknown) => hasCode(error, 'unauthenticated');

describe('a token', () => {
  test('says what was signed', (t) => {
    fuzz(
      t,
      fc.property(statement, (said) => {
        const token = signToken(said, 7, privateKey);
        assert.match(token, /^HF[\w-]+$/);
        assert.deepEqual(verifier().verify(token), structuredClone(said));
      }),
      150,
    );
  });

  test('that was changed anywhere is none, and reading it breaks nothing', (t) => {
    const bytes = statement.map((said) => Buffer.from(signToken(said, 7, privateKey).slice(2), 'base64url'));
    fuzz(
      t,
      fc.property(damaged(bytes), bytes, (changed, other) => {
        const text = `HF${changed.toString('base64url')}`;
        let isWhole = true;
        try {
          verifier().verify(text);
        } catch (error) {
          assert.ok(refused(error), String(error));
          isWhole = false;
        }
        // Damage may do nothing: then it is what was signed, bit for bit.
        if (isWhole) assert.equal(readToken(text).keyId, 7);
        assert.doesNotThrow(() => readToken(`HF${other.toString('base64url')}`));
      }),
      300,
    );
  });

  test('of any text is none', (t) => {
    fuzz(
      t,
      fc.property(
        fc.oneof(
          fc.string(),
          fc.base64String().map((text) => `HF${text}`),
        ),
        (text) => {
          assert.throws(() => verifier().verify(text), refused);
        },
      ),
    );
  });

  test('signed by another key, under another number, or too late, is none', () => {
    const [said] = fc.sample(statement, { numRuns: 1, seed: 5 });
    assert.ok(said !== undefined);
    const stranger = generateKeyPairSync('ed25519').privateKey;
    assert.throws(() => verifier().verify(signToken(said, 7, stranger)), refused);
    assert.throws(() => verifier().verify(signToken(said, 8, privateKey)), refused);
    const token = signToken(said, 7, privateKey);
    assert.throws(() => verifier(said.expiresMs).verify(token), refused);
    const known = verifier();
    known.verify(token);
    known.removeKey(7);
    assert.throws(() => known.verify(token), refused, 'also when it had been checked before');
  });
});
