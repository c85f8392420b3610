import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blobId } from '#common/ids.ts';
import type { OpenFile, OpenMode } from '#common/io/files.ts';
import { MemoryFiles } from '#common/io/memory-files.ts';
import { keyOf, openOn } from './engine.fixture.ts';
import { MemoryIndexStore } from './memory-index.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Notes from where on each new file may go past the page cache. */
class NotingFiles extends MemoryFiles {
  readonly uncachedFrom: (number | undefined)[] = [];

  override open(path: string, mode: OpenMode, uncachedFromBytes?: number): Promise<OpenFile> {
    if (path.includes('/tmp/')) this.uncachedFrom.push(uncachedFromBytes);
    return super.open(path, mode);
  }
}

test('a blob goes past the page cache early where nobody is expected to read it, late where readers are, never when it came over a wire', async () => {
  const files = new NotingFiles();
  const { device } = await openOn(files, new MemoryIndexStore());
  const write = async (digit: string, uncached: boolean | undefined): Promise<() => Promise<void>> => {
    const sink = await device.createBlob(blobId(digit.repeat(32)), keyOf(1), uncached);
    await sink.write([Buffer.alloc(100)]);
    return () => sink.commit();
  };
  await (await write('1', undefined))();
  await (await write('2', false))();
  await (await write('3', true))();
  const first = await write('4', true);
  const second = await write('5', true);
  const third = await write('6', false);
  await Promise.all([first(), second(), third()]);
  assert.deepEqual(files.uncachedFrom, [undefined, 4 * MIB, 1152 * KIB, 1152 * KIB, 512 * KIB, 4 * MIB]);
  await device.close();
});
