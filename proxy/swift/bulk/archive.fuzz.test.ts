/** Whatever is uploaded as an archive: its members, or a refusal; never more than it may unpack to, and always an end. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { pack } from 'tar-stream';
import { anyBytes, damaged, fuzz } from '#common/fuzz.fixture.ts';
import { archiveEntries } from './archive-entries.ts';
import { ArchiveError } from './archive-error.ts';
import type { ArchiveForm } from './decompress.ts';

const LIMITS = { entriesMax: 20, freeBytes: 100_000, ratioMax: 50 };

async function tar(): Promise<Buffer> {
  const packed = pack();
  packed.entry({ name: 'reels/one' }, 'first');
  packed.entry({ name: 'a link', type: 'symlink', linkname: '/etc/passwd' });
  packed.entry({ name: `${'long/'.repeat(40)}name`, pax: { 'SCHILY.xattr.user.a': 'b' } }, 'x'.repeat(2000));
  packed.entry({ name: 'empty' }, '');
  packed.finalize();
  const parts: Buffer[] = [];
  for await (const part of packed) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

async function* inPieces(bytes: Buffer, step: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
}

/** Names and lengths of the members; undefined when the archive is refused. */
async function members(
  bytes: Buffer,
  form: ArchiveForm,
  step: number,
): Promise<[string, number][] | undefined> {
  const found: [string, number][] = [];
  try {
    for await (const entry of archiveEntries(inPieces(bytes, step), form, LIMITS)) {
      let length = 0;
      for await (const part of entry.body) length += (part as Buffer).length;
      found.push([entry.name, length]);
    }
  } catch (error) {
    if (error instanceof ArchiveError) return undefined;
    throw error;
  }
  return found;
}

test('an archive is read however it is cut, and damaged it ends in members or a refusal', async (t) => {
  const plain = await tar();
  const forms: readonly (readonly [ArchiveForm, Buffer, number])[] = [
    ['tar', plain, 150],
    ['tar.gz', gzipSync(plain), 150],
    // A child process each.
    ['tar.bz2', execFileSync('bzip2', ['-c'], { input: plain }), 20],
  ];
  for (const [form, whole, runs] of forms) {
    const names = (await members(whole, form, 1000))?.map(([name]) => name);
    assert.deepEqual(names, ['reels/one', `${'long/'.repeat(40)}name`, 'empty']);
    const bytes = fc.oneof(damaged(fc.constant(whole)), anyBytes(2000));
    await fuzz(
      t,
      fc.asyncProperty(bytes, fc.integer({ min: 50, max: 3000 }), async (archive, step) => {
        const found = await members(archive, form, step);
        const total = found?.reduce((sum, [, length]) => sum + length, 0) ?? 0;
        assert.ok(total <= LIMITS.freeBytes + LIMITS.ratioMax * archive.length);
      }),
      runs,
    );
  }
});
