import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { load } from '../load/load-harness.ts';
import { PlantedStore } from '../load/planted-store.ts';

const PAGE = new URL('../../docs/bench.md', import.meta.url);
/** What is in them is the run's own: its errors, its processes, and that a busy machine kept it waiting. */
const OPEN_FIELDS = new Set(['errorsByKind', 'cpuSByProcess', 'invalidReasons']);

/** Every path of fields that a value has; the items of a list count as one. */
function fieldPaths(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return [...new Set(value.flatMap((item) => fieldPaths(item, `${path}[]`)))];
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([name, field]) =>
    OPEN_FIELDS.has(name) ? [`${path}.${name}`] : fieldPaths(field, `${path}.${name}`),
  );
}

test("the page's example has exactly the fields that a run writes", async () => {
  const example = /```json\n([^]*?)\n```/.exec(readFileSync(PAGE, 'utf8'))?.[1];
  assert.ok(example !== undefined);
  await using store = await PlantedStore.start();
  const { document } = await load(
    store.endpoint,
    `--operations get --objects 5 --max-operations 20 --pid ${process.pid}`,
  );
  const documented = fieldPaths(JSON.parse(example));
  const written = fieldPaths(JSON.parse(JSON.stringify(document)));
  // Settings that were not given are left out: only those that are there for every run must agree.
  const always = (paths: string[]): string[] =>
    paths.filter((path) => path !== '.settings.operationsMax' && path !== '.settings.objects').toSorted();
  assert.deepEqual(always(documented), always(written));
});
