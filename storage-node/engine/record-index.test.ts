import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
