import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Level } from 'level';
import { realFiles } from '#common/io/real-files.ts';
import { levelIndexStore } from './level-index.ts';
import { MemoryIndexStore } from './memory-index.ts';
import { indexCompliance } from './record-index.compliance.ts';

indexCompliance({
  name: 'memory',
  make: async () => ({ store: new MemoryIndexStore(), remove: async () => undefined }),
});

indexCompliance({
  name: 'LevelDB',
  make: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-index-'));
    return {
      store: levelIndexStore(join(folder, 'index'), realFiles()),
      remove: () => rm(folder, { recursive: true }),
    };
  },
});

test('LevelDB index: a batch that a power loss took from the middle is missed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-index-'));
  try {
    const path = join(folder, 'index');
    const store = levelIndexStore(path, realFiles());
    const first = await store.open();
    for (let batch = 1; batch <= 5; batch += 1) {
      await first.write([{ key: Buffer.from(`row ${batch}`), value: Buffer.from('1') }], [], []);
      if (batch === 2) await first.checkpoint(Buffer.from('here'));
    }
    await first.close();
    // As LevelDB's own recovery does, which goes on behind a damaged block of its log.
    const database = new Level<Buffer, Buffer>(path, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
    await database.batch([
      { type: 'del', key: Buffer.from([1, 0, 0, 0, 0, 0, 4]) },
      { type: 'del', key: Buffer.from('\u0002row 4') },
    ]);
    await database.close();
    const second = await store.open();
    assert.equal(second.isWhole, false);
    await second.write([{ key: Buffer.from('row 6'), value: Buffer.from('1') }], [], []);
    await second.close();
    const third = await store.open();
    assert.equal(third.isWhole, false, 'until a checkpoint is behind it');
    await third.checkpoint(Buffer.from('there'));
    await third.close();
    const fourth = await store.open();
    assert.equal(fourth.isWhole, true);
    await fourth.close();
  } finally {
    await rm(folder, { recursive: true });
  }
});
