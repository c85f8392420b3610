/** Operations against planted stores and folders: what is reported must be what was planted. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { PlantedStore } from '../../load/planted-store.ts';
import { conforms, meter, MeterFolder } from '../meter-harness.ts';
import type { OpsDocument } from './ops-document.ts';

describe('holdfast meter ops', () => {
  test('does its mix, writes a trace, and replays it', async () => {
    await using store = await PlantedStore.start();
    using folder = new MeterFolder();
    const trace = join(folder.path, 'trace.csv');
    const mix =
      '--mix get:4,put:2,delete:1,stat:2,list:1 --size 1k:9,100k:1 --objects 20 --warmup 0ms --duration 500ms';
    const args = `ops --target s3:// --endpoint ${store.endpoint} ${mix} --concurrency 4 --processes 0 --trace ${trace}`;
    const { exitCode, err, document } = await meter<OpsDocument>(args);
    assert.equal(exitCode, 0, err);
    conforms(document());
    const done = (result: OpsDocument) =>
      result.runs
        .flatMap(({ operations }) => operations)
        .reduce((sum, { operations }) => sum + operations, 0);
    const lines = readFileSync(trace, 'utf8').trim().split('\n').length - 1;
    assert.equal(done(document()), lines);
    assert.equal(store.buckets.size, 0);
    const replayed = await meter<OpsDocument>(`ops --target ${folder.path} --replay ${trace} --processes 0`);
    assert.equal(replayed.exitCode, 0, replayed.err);
    conforms(replayed.document());
    assert.equal(done(replayed.document()), lines);
  });

  test('ends when it is told to, and does not take what that breaks for failures', async () => {
    await using store = await PlantedStore.start();
    const stop = new AbortController();
    store.faults = ({ method, name, count }) => {
      if (method !== 'GET' || name === '') return undefined;
      if (count === 3) stop.abort();
      return { silent: true };
    };
    const args = `ops --target s3:// --endpoint ${store.endpoint} --mix get --objects 5 --size 1k --concurrency 4 --timeout 2s --warmup 0ms --duration 10m --processes 0`;
    const { exitCode, err, document } = await meter<OpsDocument>(args, { signal: stop.signal });
    assert.equal(exitCode, 1);
    assert.equal(err.trim(), 'holdfast meter ops: interrupted');
    conforms(document());
    assert.deepEqual(document().runs[0]?.operations, []);
    assert.equal(store.buckets.size, 0);
  });

  test('removes what failed to be removed, or written, and says what it could not', async () => {
    await using store = await PlantedStore.start();
    // The first deletion is refused, and the first object behind the thirty is written although the answer says otherwise.
    const args = `ops --target s3:// --endpoint ${store.endpoint} --mix delete,put --objects 30 --size 1k --rate 40 --warmup 0ms --duration 1s --processes 0`;
    store.faults = ({ method, name, count }) => {
      if (name === '') return undefined;
      if (method === 'DELETE' && count === 0) return { status: 503 };
      if (method !== 'PUT' || count !== 30) return undefined;
      for (const objects of store.buckets.values()) objects.set(name, Buffer.alloc(1024));
      return { status: 503 };
    };
    const { document, err } = await meter<OpsDocument>(args);
    const errors = document().runs[0]?.operations.map((row) => row.errors) ?? [];
    assert.ok(errors.length === 2 && errors.every((one) => one > 0), JSON.stringify(errors));
    assert.equal(err, '');
    assert.equal(store.buckets.size, 0);
    store.faults = ({ method, name }) => (method === 'DELETE' && name !== '' ? { status: 503 } : undefined);
    const left = await meter<OpsDocument>(args.replace('delete,put', 'get'));
    assert.match(left.err, /left behind: .*503/);
    assert.equal(left.document().complete, true);
    assert.equal(left.exitCode, 0);
  });

  test('leaves nothing that is written behind its removal, in an earlier run either', async () => {
    await using store = await PlantedStore.start();
    const late = new Set<string>();
    store.faults = ({ method, name }) => {
      // Of each of the two runs the first object is not answered for, and is written when all have been removed.
      if (method === 'PUT' && /w\d+-0+$/.test(name)) {
        late.add(name);
        return { close: true };
      }
      if (method === 'DELETE' && name === '')
        for (const objects of store.buckets.values())
          for (const missed of late) {
            objects.set(missed, Buffer.alloc(1024));
            late.delete(missed);
          }
      return undefined;
    };
    const args = `ops --target s3:// --endpoint ${store.endpoint} --mix put --objects 0 --size 1k --rate 20 --repeat 2 --warmup 0ms --duration 500ms --processes 0`;
    const { err, document } = await meter<OpsDocument>(args);
    assert.equal(err, '');
    assert.deepEqual(
      document().runs.map(({ operations }) => operations.map(({ errors }) => errors)),
      [[1], [1]],
    );
    assert.equal(store.counts.get('BUCKET DELETE'), 2);
    assert.equal(store.buckets.size, 0);
  });

  test('leaves no start out of the latencies that a stall kept from being made', async () => {
    await using store = await PlantedStore.start();
    store.faults = ({ method, name, count }) =>
      method === 'GET' && name !== '' && count >= 20 ? { delayMs: 3000 } : undefined;
    const args = `ops --target s3:// --endpoint ${store.endpoint} --mix get --objects 5 --size 1k --rate 50 --concurrency 2 --warmup 0ms --duration 1s --processes 0`;
    const { exitCode, err, document } = await meter<OpsDocument>(args);
    assert.equal(exitCode, 0, err);
    conforms(document());
    const [run] = document().runs;
    const [row] = run?.operations ?? [];
    assert.ok(run !== undefined && row !== undefined && run.missed > 0);
    assert.equal(row.operations + run.missed, 50);
    assert.equal(row.latencyMs?.count, 50);
    // What came after the end is no part of the rate.
    assert.ok(run.elapsedS <= 1);
    assert.ok(row.operationsPerS <= 50 - run.missed - 2);
  });

  test('gives nothing to workers for whom there is nothing', async () => {
    await using store = await PlantedStore.start();
    const args = `ops --target s3:// --endpoint ${store.endpoint} --mix get --objects 5 --size 1k --rate 2 --warmup 0ms --duration 2s --processes 3`;
    const { exitCode, err, document } = await meter<OpsDocument>(args);
    assert.equal(exitCode, 0, err);
    const [run] = document().runs;
    assert.equal((run?.operations[0]?.operations ?? 0) + (run?.missed ?? 0), 4);
    assert.deepEqual(Object.keys(run?.meter ?? {}), ['process-1', 'process-2']);
  });

  test('ends when the rate of all workers has settled', async () => {
    await using store = await PlantedStore.start();
    const args = `ops --target s3:// --endpoint ${store.endpoint} --mix get --objects 5 --size 1k --rate 40 --autoterm 0.9 --warmup 0ms --duration 10m --processes 2`;
    const { exitCode, err, document } = await meter<OpsDocument>(args);
    assert.equal(exitCode, 0, err);
    conforms(document());
    assert.equal(document().runs[0]?.ended, 'steady');
  });

  test('counts what fails by its kind', async () => {
    await using store = await PlantedStore.start();
    store.faults = ({ method, count }) =>
      method === 'HEAD' && count % 4 === 3 ? { status: 503, code: 'SlowDown' } : undefined;
    const args = `ops --target s3:// --endpoint ${store.endpoint} --mix stat --objects 5 --size 1k --rate 100 --warmup 0ms --duration 500ms --processes 0`;
    const { exitCode, document } = await meter<OpsDocument>(args);
    assert.equal(exitCode, 1);
    const [row] = document().runs[0]?.operations ?? [];
    assert.ok(row !== undefined && row.errors > 0);
    assert.deepEqual(Object.keys(row.errorsByKind), ['http-503']);
  });
});
