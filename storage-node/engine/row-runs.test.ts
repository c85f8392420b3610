/** What a table keeps for listings against what its index says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { realClock } from '#common/io/real-clock.ts';
import { realFiles } from '#common/io/real-files.ts';
import type { IndexRow } from './device-engine.ts';
import { divideMemory } from './device-memory.ts';
import { DeviceState } from './device-state.ts';
import { MemoryIndexStore } from './memory-index.ts';
import { RecordCounts } from './record-counts.ts';
import { RecordTable } from './record-table.ts';
import { RowRuns, RunsBudget } from './row-runs.ts';

const KEYS = 400;
const END = Buffer.alloc(24, 0xff);

function keyOf(number: number): Buffer {
  return Buffer.from(`${'s'.repeat(19)}é${String(number).padStart(4, '0')}`);
}

async function openTable(): Promise<RecordTable> {
  const clock = realClock();
  const shared = { clock, report: () => undefined };
  const state = await DeviceState.open({ ...shared, path: '.', files: realFiles(), reserveBytes: 0 });
  return new RecordTable({
    ...shared,
    index: await new MemoryIndexStore().open(),
    counts: new RecordCounts(),
    state,
    memory: divideMemory(),
    runs: new RunsBudget(1 << 20),
  });
}

function textOf({ key, ballot, live, summary }: IndexRow): string {
  return `${key.toString()} ${ballot.clock} ${live} ${summary.toString()}`;
}

const key = fc.nat({ max: KEYS });
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('list' as const),
      from: key,
      to: key,
      limit: fc.integer({ min: 1, max: 120 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('put' as const), key, live: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('remove' as const), key }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('flush' as const) }) },
);

test('a listing of what is kept is what the index would say, whatever changes before and meanwhile', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 120 }), async (steps) => {
      const table = await openTable();
      let clock = 0;
      const put = (number: number, live: boolean): void => {
        clock += 1;
        const place = { segment: 1, offset: clock, length: 1, counted: { objects: 1, bytes: 1 } };
        table.put(keyOf(number), {
          ...place,
          ballot: { clock, writer: 1 },
          live,
          summary: Buffer.from(`${clock}`),
        });
      };
      for (let number = 0; number < KEYS; number += 2) put(number, true);
      const running: Promise<unknown>[] = [];
      for (const each of steps) {
        if (each.type === 'put') put(each.key, each.live);
        else if (each.type === 'remove') table.remove(keyOf(each.key));
        else if (each.type === 'flush') running.push(table.flush());
        else {
          const range = { from: keyOf(each.from), to: keyOf(each.to), limit: each.limit };
          running.push(table.rows({ ...range, keeps: true }));
          // Some of the changes that follow fall into the reading.
          if (each.limit % 3 > 0) await Promise.all(running);
          if (each.limit % 3 > 1) {
            const kept = await table.rows({ ...range, keeps: true });
            assert.deepEqual(kept.map(textOf), (await table.rows(range)).map(textOf));
          }
        }
      }
      await Promise.all(running);
      for (const limit of [7, 50, KEYS]) {
        const all = { from: keyOf(0), to: END, limit };
        const kept = await table.rows({ ...all, keeps: true });
        assert.deepEqual(kept.map(textOf), (await table.rows(all)).map(textOf));
      }
      await table.close();
    }),
    { numRuns: 100 },
  );
});

test('runs take no more memory than they may: what was used least goes first', () => {
  const runs = new RowRuns(new RunsBudget(30_000));
  const rowsFrom = (first: number): IndexRow[] =>
    Array.from({ length: 20 }, (_, index) => ({
      key: keyOf(first + index) as IndexRow['key'],
      ballot: { clock: 1, writer: 1 },
      live: true,
      summary: Buffer.alloc(0),
    }));
  const keep = (first: number): void => {
    const bounds = [keyOf(first).toString('latin1'), keyOf(first + 20).toString('latin1')] as const;
    runs.loaded(runs.begin(...bounds), rowsFrom(first), true);
  };
  const isKept = (first: number): boolean => {
    const found: IndexRow[] = [];
    runs.read(keyOf(first).toString('latin1'), keyOf(first + 20).toString('latin1'), 100, found);
    return found.length === 20;
  };
  keep(0);
  keep(100);
  assert.ok(isKept(0));
  keep(200);
  assert.deepEqual([0, 100, 200].map(isKept), [true, false, true]);
});
