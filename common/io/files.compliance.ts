/** What every implementation of the file seam does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Files } from './files.ts';
import { pageMemory } from './page-memory.ts';

export interface FilesFactory {
  readonly name: string;
  /** A disk and an empty folder on it. */
  readonly make: () => Promise<{ files: Files; folder: string; remove: () => Promise<void> }>;
}

const text = (value: string): Buffer => Buffer.from(value);

export function filesCompliance(factory: FilesFactory): void {
  const story = (title: string, run: (files: Files, folder: string) => Promise<void>): void => {
    test(`${factory.name} files: ${title}`, async () => {
      const { files, folder, remove } = await factory.make();
      try {
        await run(files, folder);
      } finally {
        await remove();
      }
    });
  };

  story('what is written is read, also from a second opening', async (files, folder) => {
    const file = await files.open(`${folder}/a`, 'create');
    await file.write([text('hello '), Buffer.alloc(0), text('world')], 0);
    await file.write([text('W')], 6);
    await file.sync();
    const into = Buffer.alloc(20, 0x2e);
    assert.equal(await file.read(into, 2, 11, 0), 11);
    assert.equal(into.toString(), '..hello World.......');
    assert.equal(await file.size(), 11);
    await file.close();
    const again = await files.open(`${folder}/a`, 'read');
    assert.equal(again.readNow(into, 0, 5, 6), 5);
    assert.equal(into.subarray(0, 5).toString(), 'World');
    await again.close();
  });

  story('a read is short only at the end of the file', async (files, folder) => {
    const file = await files.open(`${folder}/a`, 'create');
    await file.write([Buffer.alloc(100, 1)], 0);
    const into = Buffer.alloc(200);
    assert.equal(await file.read(into, 0, 200, 0), 100);
    assert.equal(await file.read(into, 0, 200, 90), 10);
    assert.equal(await file.read(into, 0, 200, 100), 0);
    assert.equal(file.readNow(into, 0, 200, 95), 5);
    assert.equal(file.readNow(into, 0, 200, 300), 0);
    await file.close();
  });

  story('what is written through is read, among what is not', async (files, folder) => {
    const file = await files.open(`${folder}/a`, 'create');
    await file.write([text('one ')], 0);
    await file.writeThrough([text('two '), text('three')], 4);
    await file.truncate(8);
    await file.sync();
    await file.writeThrough([text('four')], 8);
    file.endWritesThrough();
    await file.sync();
    const into = Buffer.alloc(12);
    assert.equal(await file.read(into, 0, 12, 0), 12);
    assert.equal(into.toString(), 'one two four');
    // More than one system call takes.
    const chunks = Array.from({ length: 3000 }, (_, index) => Buffer.from([index & 0xff, index >> 8]));
    await file.writeThrough(chunks, 12);
    const all = Buffer.alloc(6000);
    assert.equal(await file.read(all, 0, all.length, 12), all.length);
    assert.ok(all.equals(Buffer.concat(chunks)));
    await file.close();
    const again = await files.open(`${folder}/a`, 'read');
    assert.equal(await again.size(), 6012);
    await assert.rejects(again.writeThrough([text('five')], 12));
    await again.close();
  });

  story('more chunks than one system call takes arrive in order', async (files, folder) => {
    const file = await files.open(`${folder}/a`, 'create');
    const chunks = Array.from({ length: 3000 }, (_, index) => Buffer.from([index & 0xff, index >> 8]));
    await file.write(chunks, 5);
    const into = Buffer.alloc(6005);
    assert.equal(await file.read(into, 0, 6005, 0), 6005);
    assert.ok(into.equals(Buffer.concat([Buffer.alloc(5), ...chunks])));
    await file.close();
  });

  for (const fromBytes of [0, 512 * 1024, 1152 * 1024])
    story(
      `large writes that need no cache stand among small ones: from ${fromBytes}`,
      async (files, folder) => {
        const file = await files.open(`${folder}/a`, 'create', fromBytes);
        const page = Buffer.alloc(4096, 1);
        const alignedPage = Buffer.from(pageMemory(4096).buffer, 0, 4096).fill(5);
        // What a file system takes past its cache lies in pages of memory; anything else it has to take as well.
        const pages = Buffer.from(pageMemory(512 * 1024).buffer).fill(2);
        const unaligned = Buffer.alloc(256 * 1024 + 3, 3).subarray(3);
        const rest = Buffer.alloc(page.length - (unaligned.length % page.length), 4);
        const aligned = [alignedPage, pages, pages];
        await file.write(aligned, 0);
        await file.write([pages, unaligned, Buffer.alloc(0), rest, pages], Buffer.concat(aligned).length);
        const before = [...aligned, pages, unaligned, rest, pages];
        // Whole pages of a file, in memory that begins anywhere.
        const chunks = [...before, page, pages];
        await file.write([page, pages], Buffer.concat(before).length);
        const end = Buffer.concat(chunks).length;
        await file.write([pages.subarray(5), page], end);
        await file.sync();
        const expected = Buffer.concat([...chunks, pages.subarray(5), page]);
        await file.close();
        const again = await files.open(`${folder}/a`, 'read');
        const into = Buffer.alloc(expected.length + 1);
        assert.equal(await again.read(into, 0, into.length, 0), expected.length);
        assert.ok(into.subarray(0, expected.length).equals(expected));
        await again.close();
        await assert.rejects(files.open(`${folder}/a`, 'create', fromBytes), { code: 'EEXIST' });
      },
    );

  story('a hole and what a truncation removed read as zeros', async (files, folder) => {
    const file = await files.open(`${folder}/a`, 'create');
    await file.write([Buffer.alloc(10, 7)], 10);
    await file.truncate(12);
    await file.truncate(16);
    const into = Buffer.alloc(16);
    assert.equal(await file.read(into, 0, 16, 0), 16);
    assert.ok(into.equals(Buffer.from([...Array(10).fill(0), 7, 7, 0, 0, 0, 0])));
    await file.close();
  });

  story('create refuses a file that is there, append keeps it, read wants it', async (files, folder) => {
    await assert.rejects(files.open(`${folder}/a`, 'read'), { code: 'ENOENT' });
    const made = await files.open(`${folder}/a`, 'append');
    await made.write([text('kept')], 0);
    await made.close();
    await assert.rejects(files.open(`${folder}/a`, 'create'), { code: 'EEXIST' });
    const again = await files.open(`${folder}/a`, 'append');
    assert.equal(await again.size(), 4);
    await again.write([text('!')], 4);
    const into = Buffer.alloc(5);
    await again.read(into, 0, 5, 0);
    assert.equal(into.toString(), 'kept!');
    await again.close();
  });

  story('a rename replaces, and moves between folders', async (files, folder) => {
    await files.makeDirectory(`${folder}/deep/er`);
    const old = await files.open(`${folder}/deep/er/b`, 'create');
    await old.close();
    const file = await files.open(`${folder}/a`, 'create');
    await file.write([text('new')], 0);
    await file.close();
    await files.rename(`${folder}/a`, `${folder}/deep/er/b`);
    await files.syncDirectory(folder);
    await files.syncDirectory(`${folder}/deep/er`);
    assert.equal(await files.exists(`${folder}/a`), false);
    const moved = await files.open(`${folder}/deep/er/b`, 'read');
    assert.equal(await moved.size(), 3);
    await moved.close();
    await assert.rejects(files.rename(`${folder}/a`, `${folder}/c`), { code: 'ENOENT' });
  });

  story('an open file is readable after its name is gone', async (files, folder) => {
    const file = await files.open(`${folder}/a`, 'create');
    await file.write([text('still')], 0);
    await files.unlink(`${folder}/a`);
    assert.equal(await files.exists(`${folder}/a`), false);
    const into = Buffer.alloc(5);
    assert.equal(await file.read(into, 0, 5, 0), 5);
    await file.close();
    await assert.rejects(files.unlink(`${folder}/a`), { code: 'ENOENT' });
  });

  story('a folder lists what is in it', async (files, folder) => {
    await files.makeDirectory(`${folder}/sub`);
    await files.makeDirectory(`${folder}/sub`);
    await (await files.open(`${folder}/a`, 'create')).close();
    const names = await files.list(folder);
    assert.deepEqual(
      names.toSorted((one, other) => (one.name < other.name ? -1 : 1)),
      [
        { name: 'a', isDirectory: false },
        { name: 'sub', isDirectory: true },
      ],
    );
    await assert.rejects(files.list(`${folder}/none`), { code: 'ENOENT' });
  });

  story('space is what there is', async (files, folder) => {
    const { totalBytes, freeBytes } = await files.space(folder);
    assert.ok(totalBytes > 0 && freeBytes >= 0 && freeBytes <= totalBytes);
  });

  story('a lock is held by one, until it is released', async (files, folder) => {
    const lock = await files.lock(`${folder}/lock`);
    await assert.rejects(files.lock(`${folder}/lock`), { code: 'data-in-use' });
    await lock.release();
    await (await files.lock(`${folder}/lock`)).release();
  });
}
