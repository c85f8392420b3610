/** Checkpoints that meet: compaction and the device ask for them without knowing of each other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { ManualClock } from '#common/io/manual-clock.ts';
import { MemoryFiles } from '#common/io/memory-files.ts';
import { divideMemory } from './device-memory.ts';
import { DeviceState } from './device-state.ts';
import { decodeCheckpoint } from './index-row.ts';
import { MemoryIndexStore } from './memory-index.ts';
import { RecordCounts } from './record-counts.ts';
import type { RecordIndex } from './record-index.ts';
import { RecordTable } from './record-table.ts';
import { RunsBudget } from './row-runs.ts';

/** An index whose marks are written when the test lets them, in any order. */
async function opened() {
  const [clock, files] = [new ManualClock(), new MemoryFiles()];
  const index = await new MemoryIndexStore().open();
  const waiting: (() => void)[] = [];
  const slow = new Proxy(index, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name !== 'checkpoint') return typeof value === 'function' ? value.bind(target) : value;
      return async (mark: Buffer) => {
        await new Promise<void>((resolve) => waiting.push(resolve));
        await target.checkpoint(mark);
      };
    },
  });
  const report = () => undefined;
  const state = await DeviceState.open({ path: '/device', files, clock, reserveBytes: 0, report });
  const parts = { counts: new RecordCounts(), clock, state, report };
  const memory = divideMemory(undefined);
  const table = new RecordTable({ ...parts, index: slow, memory, runs: new RunsBudget(1 << 20) });
  return { table, index, waiting };
}

async function markOf(index: RecordIndex) {
  const { segment, offset } = decodeCheckpoint(index.mark()) ?? assert.fail('there is no mark');
  return { segment, offset };
}

test('of two that meet the newer stays, whichever is through first', async () => {
  const { table, index, waiting } = await opened();
  const older = table.checkpoint({ segment: 9, offset: 100, ceiling: 5 });
  const newer = table.checkpoint({ segment: 10, offset: 64, ceiling: 6 });
  await setImmediate();
  // The last to come is let go first.
  while (waiting.length > 0) {
    waiting.pop()?.();
    await setImmediate();
  }
  await Promise.all([older, newer]);
  assert.deepEqual(await markOf(index), { segment: 10, offset: 64 });
});

test('one that comes late with an older place does not take it back', async () => {
  const { table, index, waiting } = await opened();
  for (const [segment, offset] of [
    [10, 64],
    [9, 100],
    [10, 63],
  ] as const) {
    const asked = table.checkpoint({ segment, offset, ceiling: 1 });
    await setImmediate();
    waiting.pop()?.();
    await asked;
  }
  assert.deepEqual(await markOf(index), { segment: 10, offset: 64 });
});
