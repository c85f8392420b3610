/** Searches whose storage or workers fail on the way: what they answer must say so. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { PlantedStore } from '../../load/planted-store.ts';
import { conforms, meter, MeterFolder } from '../meter-harness.ts';
import type { StreamsDocument } from '../streams/streams-document.ts';
import type { SearchDocument } from './search-document.ts';

const SMALL = '--codec custom --frame-bytes 20000 --clip-length 1s --stagger 0ms --warmup 0ms --processes 0';
const STEPS = '--step-duration 500ms --duration 500ms --pre-buffer 250 --precision 0';

/** Our children that are workers of a meter. */
function workerPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const [, parent] = /^\d+ \(.*\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8')) ?? [];
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8');
        return Number(parent) === process.pid && command.includes('meter/crew/worker-process');
      } catch {
        return false;
      }
    })
    .map(Number);
}

describe('a search', () => {
  test('of which a worker was lost ends there, and is not valid', async () => {
    await using store = await PlantedStore.start();
    let isKilled = false;
    store.faults = ({ method, count }) => {
      const [pid] = method === 'GET' && count > 5 && !isKilled ? workerPids() : [];
      if (pid !== undefined) {
        isKilled = true;
        process.kill(pid, 'SIGKILL');
      }
      return undefined;
    };
    const args = `search --target s3:// --endpoint ${store.endpoint} ${STEPS} --start 4 --streams-max 4 --request-frames 1 ${SMALL} --processes 2`;
    const { exitCode, err, document } = await meter<SearchDocument>(args);
    const result = document();
    conforms(result);
    assert.equal(exitCode, 1, err);
    assert.match(err, /process-\d was lost: .*SIGKILL/);
    assert.equal(result.valid, false);
    assert.ok(result.invalidReasons.includes('worker-lost'), result.invalidReasons.join(' '));
    assert.equal(result.healthy, null);
    assert.equal(result.steps.length, 1);
  });

  test('that was given wrong bytes in any step is not valid, though fewer streams were given right ones', async () => {
    await using store = await PlantedStore.start();
    store.faults = ({ method, name }) =>
      method === 'GET' && name.endsWith('clip-000003')
        ? { corrupt: (body) => ((body[100] = (body[100] ?? 0) ^ 1), body) }
        : undefined;
    const args = `search --target s3:// --endpoint ${store.endpoint} ${STEPS} --streams-max 4 ${SMALL}`;
    const { document } = await meter<SearchDocument>(args);
    const result = document();
    conforms(result);
    assert.equal(result.streams, 2);
    assert.equal(result.valid, false);
    assert.ok(result.invalidReasons.includes('content-failed'), result.invalidReasons.join(' '));
  });

  test('does not count the streams of a worker that gave up in the warm-up', async () => {
    await using store = await PlantedStore.start();
    // The second of the two plays the second clip.
    store.faults = ({ method, name }) =>
      method === 'GET' && name.endsWith('clip-000002') ? { status: 503, code: 'SlowDown' } : undefined;
    const many = '--fps 240 --frame-bytes 1000 --request-frames 1 --pre-buffer 240 --warmup 2s';
    const args = `search --target s3:// --endpoint ${store.endpoint} ${STEPS} --start 2 --streams-max 2 ${SMALL} --processes 2 ${many}`;
    const { document } = await meter<SearchDocument>(args);
    const result = document();
    conforms(result);
    assert.equal(result.steps[0]?.streams, 2);
    assert.equal(result.steps[0]?.passed, false);
    assert.ok(result.streams < 2, String(result.streams));
  });

  test('puts the storage right behind a step that fails, and no fault comes after it', async () => {
    await using store = await PlantedStore.start();
    using notes = new MeterFolder();
    const log = join(notes.path, 'log');
    const note = (word: string): string => `echo ${word} >> ${log}`;
    // The step with the fault cannot end as it should: the one worker is killed by it.
    const during = `${note('fault')}; kill -9 $(cat ${notes.path}/pid)`;
    let isConfirmed = false;
    store.faults = ({ method, name }) => {
      const [pid] = workerPids();
      if (pid !== undefined) writeFileSync(join(notes.path, 'pid'), String(pid));
      // A worker that stands still from the first frame of that step on does not end it before the fault comes.
      if (pid !== undefined && isConfirmed && method === 'GET' && name !== '') process.kill(pid, 'SIGSTOP');
      return undefined;
    };
    const args = `search --target s3:// --endpoint ${store.endpoint} --step-duration 1500ms --duration 1500ms --pre-buffer 250 --streams-max 1 ${SMALL} --processes 1`;
    const options = ['--during', during, '--restore', note('restored')];
    const { exitCode, document } = await meter<SearchDocument>(args, {
      options,
      // Behind that the steps with the fault come.
      said: (text) => (isConfirmed ||= text.startsWith('✔ confirming')),
    });
    conforms(document());
    assert.equal(exitCode, 1);
    assert.equal(document().valid, false);
    assert.deepEqual(readFileSync(log, 'utf8').trim().split('\n'), ['fault', 'restored']);
  });
});

describe('a fault', () => {
  const BOUNDS = `--streams-max 1 --step-duration 1500ms --duration 1500ms --pre-buffer 250 ${SMALL}`;

  test('that fails is no fault: what the storage sustains meanwhile is not known', async () => {
    using folder = new MeterFolder();
    const options = ['--during', 'echo who; exit 3 # gone'];
    const { out, html, document } = await meter<SearchDocument>(`search --target ${folder.path} ${BOUNDS}`, {
      options,
    });
    const result = document();
    conforms(result);
    assert.equal(result.valid, false);
    assert.deepEqual(result.invalidReasons, ['fault-failed']);
    assert.equal(result.streams, 1);
    assert.equal(result.during?.streams, 0);
    assert.equal(result.during?.confirmedBy, null);
    const ailing = result.steps.filter(({ phase }) => phase === 'during');
    assert.ok(
      ailing.every(({ passed, fault }) => !passed && fault?.exitCode === 3 && fault.output === 'who'),
    );
    assert.match(out, /while gone: not known/);
    assert.match(html, /fault-failed/);
  });

  test('that takes longer than the step has not happened in it', async () => {
    using folder = new MeterFolder();
    const options = ['--during', 'sleep 5 # slow', '--restore', 'true'];
    const { document } = await meter<SearchDocument>(`search --target ${folder.path} ${BOUNDS}`, { options });
    const result = document();
    conforms(result);
    assert.deepEqual(result.invalidReasons, ['fault-failed']);
    assert.ok(result.steps.every(({ phase, passed }) => passed === (phase === 'healthy')));
  });

  test('is followed by no step before its restoring has ended, and by none where that fails', async () => {
    using folder = new MeterFolder();
    using notes = new MeterFolder();
    const log = join(notes.path, 'log');
    const slow = ['--during', `echo fault >> ${log}`, '--restore', `sleep 3; echo restored >> ${log}`];
    await meter<SearchDocument>(`search --target ${folder.path} ${BOUNDS}`, { options: slow });
    const lines = readFileSync(log, 'utf8').trim().split('\n');
    assert.ok(lines.length >= 4 && lines.every((line, at) => line === (at % 2 === 0 ? 'fault' : 'restored')));
    const failing = ['--during', 'true', '--restore', 'echo no spare part; false'];
    const { exitCode, err, document } = await meter<SearchDocument>(
      `search --target ${folder.path} ${BOUNDS}`,
      { options: failing },
    );
    const result = document();
    conforms(result);
    assert.equal(exitCode, 1);
    assert.match(err, /not restored: .*ended with 1: no spare part/);
    assert.deepEqual(result.invalidReasons, ['not-restored']);
    assert.equal(result.steps.filter(({ phase }) => phase === 'during').length, 1);
  });
});

describe('recordings that cannot be removed', () => {
  test('are said to be left behind, and what was measured is there', async () => {
    await using store = await PlantedStore.start();
    using notes = new MeterFolder();
    const log = join(notes.path, 'log');
    const refusing = ({ method, name }: { method: string; name: string }) =>
      method === 'DELETE' && name.includes('take-') ? { status: 503, code: 'SlowDown' } : undefined;
    store.faults = refusing;
    const where = `--target s3:// --endpoint ${store.endpoint} --pattern record --pre-buffer 250 ${SMALL}`;
    const streams = await meter<StreamsDocument>(`streams ${where} --streams 2 --duration 500ms`);
    conforms(streams.document());
    assert.equal(streams.document().runs.length, 1);
    assert.equal(streams.document().framesTotal, 2 * 12);
    assert.match(streams.err, /left behind: .*503/);
    const options = ['--during', `echo fault >> ${log}`, '--restore', `echo restored >> ${log}`];
    const bounds = '--streams-max 1 --step-duration 1500ms --duration 1500ms';
    const search = await meter<SearchDocument>(`search ${where} ${bounds}`, { options });
    conforms(search.document());
    assert.equal(search.document().streams, 1, search.err);
    assert.match(search.err, /left behind: .*503/);
    const lines = readFileSync(log, 'utf8').trim().split('\n');
    assert.ok(lines.length >= 4 && lines.every((line, at) => line === (at % 2 === 0 ? 'fault' : 'restored')));
    // What was refused then is removed at the end, where that is taken.
    let refused = 0;
    store.faults = (request) =>
      refusing(request) !== undefined && refused++ === 0 ? { status: 503 } : undefined;
    const before = new Set(store.buckets.keys());
    const again = await meter<StreamsDocument>(`streams ${where} --streams 1 --duration 500ms`);
    assert.equal(again.err, '');
    assert.equal(refused, 2);
    assert.deepEqual(new Set(store.buckets.keys()), before);
  });
});
