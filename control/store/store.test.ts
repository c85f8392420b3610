import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '#common/io/manual-clock.ts';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import { openLevelStore } from './level/open-level-store.ts';
import { memoryStore } from './memory-store.ts';
import { storeCompliance, type StoreUnderTest } from './store.compliance.ts';

/** Time passes at once, and what falls due gets turns of the event loop, and the disk, to be done. */
function passing(clock: ManualClock): StoreUnderTest['passSeconds'] {
  return async (seconds) => {
    clock.advance(seconds * 1000);
    await new Promise((resolve) => setTimeout(resolve, 10));
  };
}

storeCompliance({
  name: 'memory',
  make: async () => {
    const clock = new ManualClock();
    const store = memoryStore({ clock, randomness: seededRandomness(1) });
    return { store, passSeconds: passing(clock), remove: () => store.close() };
  },
});

storeCompliance({
  name: 'level',
  make: async () => {
    const clock = new ManualClock();
    const path = await mkdtemp(join(tmpdir(), 'holdfast-store-'));
    const store = await openLevelStore({ path, clock, randomness: seededRandomness(1) });
    return {
      store,
      passSeconds: passing(clock),
      remove: async () => {
        await store.close();
        await rm(path, { recursive: true });
      },
    };
  },
});
