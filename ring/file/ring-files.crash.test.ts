/** The ring and its builder are replaced while the power fails, at every call. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryFiles } from '#common/io/memory-files.ts';
import { replaceFile, readWholeFile } from '#common/io/whole-file.ts';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import { createSingleHostRing } from '../single-host-ring.ts';
import { RingBuilder } from '../builder.ts';
import { loadBuilder, loadRing, ringPaths, saveRing } from './ring-files.ts';

const DATA = '/data';
const SEEDS = 8;

test('whatever the moment, both can be read, and the ring is none that its builder has not heard of', async () => {
  const addressOf = (device: number) => ({ host: '127.0.0.1', port: 6200 + device });
  const { builder } = createSingleHostRing({ devices: 4, zones: 4, partitionPower: 4, addressOf });
  const next = new RingBuilder({ ...builder.state, version: builder.state.version + 1 });
  let isWhole = false;
  for (let call = 1; !isWhole; call += 1) {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const files = new MemoryFiles();
      await files.makeDirectory(DATA);
      await files.syncDirectory('/');
      await saveRing(files, DATA, builder);
      files.haltAt(files.calls + call);
      const saved = await saveRing(files, DATA, next).then(
        () => true,
        () => false,
      );
      const left = files.crash(seededRandomness(seed));
      const paths = ringPaths(DATA);
      const [found, ring] = [await loadBuilder(left, paths.builder), await loadRing(left, paths.ring)];
      const what = `call ${call}, seed ${seed}`;
      assert.ok([builder.state.version, next.state.version].includes(found.state.version), what);
      assert.ok(ring.version <= found.state.version, what);
      if (saved)
        assert.deepEqual([found.state.version, ring.version], [next.state.version, next.state.version]);
      // What a crash has left beside them is in nobody's way.
      await saveRing(left, DATA, next);
      isWhole = saved;
    }
  }
});

test('a small file is the old one or the new one, and the new one once it was said so', async () => {
  const [old, fresh] = [Buffer.alloc(9000, 'old '), Buffer.alloc(7000, 'new ')];
  let isWhole = false;
  for (let call = 1; !isWhole; call += 1) {
    for (let seed = 1; seed <= 4 * SEEDS; seed += 1) {
      const files = new MemoryFiles();
      await replaceFile(files, '/file', old);
      files.haltAt(files.calls + call);
      const replaced = await replaceFile(files, '/file', fresh).then(
        () => true,
        () => false,
      );
      const left = await readWholeFile(files.crash(seededRandomness(seed)), '/file', 10_000);
      assert.ok(left.equals(fresh) || (!replaced && left.equals(old)), `call ${call}, seed ${seed}`);
      isWhole = replaced;
    }
  }
});
