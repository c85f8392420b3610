/** Whatever a client of Swift sends as a path, an access list or a manifest: read, or refused in Swift's words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { damagedText, fuzz, onlyRefuses } from '#common/fuzz.fixture.ts';
import { isReferrerAllowed, normalizeAcl, parseAcl } from './access/container-acl.ts';
import { SwiftError } from './errors.ts';
import { parseManifest } from './large-objects/manifest-input.ts';
import { parseResource, parseTarget } from './request-target.ts';

const isSwift = (error: unknown) => error instanceof SwiftError;

test('paths and queries are read or refused', (t) => {
  const url = fc.oneof(
    fc.string(),
    damagedText(fc.constant('/v1/AUTH_a/c%20d/%C3%BC/x?format=json&prefix=a+b%2F')),
  );
  fuzz(
    t,
    fc.property(url, (text) => {
      const target = onlyRefuses(() => parseTarget(`/${text}`), isSwift);
      if (target !== undefined) onlyRefuses(() => parseResource(target.path), isSwift);
    }),
    1500,
  );
});

test('an access list is brought to a form that stays, or refused; no list lets a refused referrer in', (t) => {
  const list = fc.oneof(
    fc.string(),
    damagedText(
      fc.constantFrom('.r:*,.rlistings', '.r:-evil.org,.r:*', 'acct:user, other , .ref: .example.com'),
    ),
  );
  fuzz(
    t,
    fc.property(list, fc.constantFrom('x-container-read', 'x-container-write'), (text, header) => {
      const stored = onlyRefuses(() => normalizeAcl(header, text), isSwift);
      if (stored === undefined) return;
      // `*-` is a domain to Swift, of which a `-` is left that it would not take again.
      const again = onlyRefuses(() => normalizeAcl(header, stored), isSwift);
      if (again !== undefined) assert.equal(again, stored);
      const { referrers } = parseAcl(stored);
      assert.equal(isReferrerAllowed('http://evil.org/', [...referrers, '-evil.org']), false);
    }),
    1500,
  );
});

test('a manifest is read or refused', (t) => {
  const valid =
    '[{"path":"/c/o","etag":"d41d8cd98f00b204e9800998ecf8427e","size_bytes":1,"range":"0-"},{"data":"AAAA"}]';
  fuzz(
    t,
    fc.property(fc.oneof(damagedText(fc.constant(valid)), fc.json(), fc.string()), (text) => {
      onlyRefuses(() => parseManifest(text, '/c/manifest'), isSwift);
    }),
    1500,
  );
});
