/** The meter's commands against folders and planted stores: what they say must be what was planted. */
import assert from 'node:assert/strict';
import {
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { PlantedStore } from '../load/planted-store.ts';
import type { ClassicDocument } from './classic/classic-document.ts';
import { meterCommand } from './main.ts';
import { conforms, isConformant, meter, MeterFolder, PLANTED_ENV } from './meter-harness.ts';
import type { SearchDocument } from './search/search-document.ts';
import type { StreamsDocument } from './streams/streams-document.ts';

const SMALL = '--codec custom --frame-bytes 20000 --clip-length 1s --stagger 0ms --warmup 0ms --processes 0';
const PLAYING_MS_MAX = 60_000;

/** Whether this process has a file in the folder open that it does not write. */
function isReadBelow(folder: string): boolean {
  return readdirSync('/proc/self/fd').some((file) => {
    try {
      if (!readlinkSync(`/proc/self/fd/${file}`).startsWith(`${folder}/`)) return false;
      const [, flags = ''] = /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${file}`, 'utf8')) ?? [];
      return (Number.parseInt(flags, 8) & (constants.O_WRONLY | constants.O_RDWR)) === 0;
    } catch {
      return false;
    }
  });
}

function every(periodMs: number, look: () => void): Disposable {
  const timer = setInterval(look, periodMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

describe('holdfast meter streams', () => {
  test('plays and records in a folder, reports in every form, and leaves nothing', async () => {
    using folder = new MeterFolder();
    const patterns = 'play,reverse,shuttle,jog,scrub,edits,multicam,growing,record';
    const args = `streams --target ${folder.path} --streams 9 --pattern ${patterns} --behind 200ms --duration 400ms --drop-after 60s ${SMALL} --processes 2`;
    const { exitCode, out, html, csv, document } = await meter<StreamsDocument>(args);
    const result = document();
    assert.equal(exitCode, 0);
    conforms(result);
    // A growing file has a recorder and a player.
    assert.equal(result.streams, 10);
    assert.equal(result.framesTotal, 10 * 10);
    assert.equal(result.rows.length, 10);
    assert.equal(result.framesDropped, 0);
    assert.match(out, /10 streams of custom for 0\.4 s: \d+ late of 100 frames/);
    assert.equal(csv.trim().split('\n').length, 11);
    assert.match(html, /uPlot/);
    assert.doesNotMatch(html, /(?:src|href)=["']?(?:https?:)?\/\//, 'the page must need nothing else');
    assert.deepEqual(readdirSync(folder.path), []);
  });

  test('counts exactly the frames that a server was told to delay', async () => {
    await using store = await PlantedStore.start();
    const planted = new Set([4, 5, 17]);
    store.faults = ({ method, count }) =>
      method === 'GET' && planted.has(count) ? { delayMs: 6000 } : undefined;
    // Five seconds of buffer: what the machine is late by is none of the count.
    const timing = '--pre-buffer 125 --request-frames 1 --drop-after 20s --duration 1s';
    const args = `streams --target s3:// --endpoint ${store.endpoint} --streams 1 ${timing} ${SMALL}`;
    const { exitCode, err, document } = await meter<StreamsDocument>(args);
    const result = document();
    assert.equal(exitCode, 0, err);
    conforms(result);
    assert.equal(result.framesTotal, 25);
    assert.equal(result.framesLate, planted.size);
    assert.equal(result.framesDropped, 0);
    assert.ok(result.worstFrameMs >= 6000);
    assert.equal(store.buckets.size, 0);
    assert.doesNotMatch(JSON.stringify(result), /very secret/);
  });

  test('counts what comes back other than it was written, and does not call that valid', async () => {
    await using store = await PlantedStore.start();
    store.faults = ({ method, count }) =>
      method === 'GET' && count === 3
        ? { corrupt: (body) => ((body[100] = (body[100] ?? 0) ^ 1), body) }
        : undefined;
    const args = `streams --target s3:// --endpoint ${store.endpoint} --request-frames 1 --pre-buffer 250 --duration 400ms ${SMALL}`;
    const result = (await meter<StreamsDocument>(args)).document();
    conforms(result);
    assert.equal(result.framesLate, 1);
    assert.equal(result.framesDropped, 1);
    assert.equal(result.valid, false);
    assert.ok(result.invalidReasons.includes('content-failed'));
    assert.equal(result.runs[0]?.failuresByKind['content-mismatch']?.count, 1);
  });

  test('keeps what it has when the target vanishes', async () => {
    await using store = await PlantedStore.start();
    store.faults = ({ method, count }) => (method === 'GET' && count > 20 ? { close: true } : undefined);
    const args = `streams --target s3:// --endpoint ${store.endpoint} --fps 100 --streams 4 --request-frames 1 --duration 60s ${SMALL}`;
    const { exitCode, err, document } = await meter<StreamsDocument>(args);
    const result = document();
    assert.equal(exitCode, 1);
    assert.match(err, /requests in a row have failed/);
    assert.equal(err.trim().split('\n').length, 1);
    conforms(result);
    assert.equal(result.complete, false);
    assert.ok(result.framesTotal > 20 && result.framesDropped > 20);
  });

  test('ends at once when it is told to, with what it has', async () => {
    using folder = new MeterFolder();
    const stop = new AbortController();
    const deadlineMs = performance.now() + PLAYING_MS_MAX;
    using _watch = every(10, () => {
      if (isReadBelow(folder.path) || performance.now() > deadlineMs) stop.abort();
    });
    const args = `streams --target ${folder.path} --duration 10m ${SMALL}`;
    const { exitCode, document } = await meter<StreamsDocument>(args, { signal: stop.signal });
    assert.equal(exitCode, 1);
    const result = document();
    conforms(result);
    assert.equal(result.stopped, 'interrupted');
    assert.deepEqual(readdirSync(folder.path), []);
  });

  test('writes nothing when it was told to end before it began, and says so, as the others do', async () => {
    await using store = await PlantedStore.start();
    for (const mode of ['streams', 'search', 'ops']) {
      const more = mode === 'ops' ? '--processes 0' : SMALL;
      const args = `${mode} --target s3:// --endpoint ${store.endpoint} --duration 10m ${more}`;
      const { exitCode, err, document } = await meter(args, { signal: AbortSignal.abort() });
      assert.equal(exitCode, 1, mode);
      assert.equal(err, `holdfast meter ${mode}: interrupted\n`);
      conforms(document());
      assert.equal(document().stopped, 'interrupted', mode);
      assert.equal(document().valid, false, mode);
      assert.equal(store.counts.get('PUT'), undefined, mode);
      assert.equal(store.buckets.size, 0, mode);
    }
  });

  test('writes a line for every frame of every run', async () => {
    using folder = new MeterFolder();
    using files = new MeterFolder();
    const path = join(files.path, 'frames.csv');
    const { exitCode, err } = await meter(
      `streams --target ${folder.path} --repeat 3 --streams 2 --duration 400ms --frames-csv ${path} ${SMALL}`,
    );
    assert.equal(exitCode, 0, err);
    const [header = '', ...lines] = readFileSync(path, 'utf8').trim().split('\n');
    assert.match(header, /^stream,frame,.*,run$/);
    const frames = Map.groupBy(lines, (line) => line.split(',').at(-1));
    assert.deepEqual(
      [...frames].map(([run, of]) => [run, of.length]),
      [
        ['1', 20],
        ['2', 20],
        ['3', 20],
      ],
    );
  });

  test('is not kept from ending by a clip that is not taken, nor its removal by the end', async () => {
    await using store = await PlantedStore.start();
    for (const kept of ['PUT', 'DELETE']) {
      const stop = new AbortController();
      store.faults = ({ method, name }) => {
        if (method !== kept || name === '') return undefined;
        stop.abort();
        return kept === 'PUT' ? { silent: true } : { delayMs: 500 };
      };
      const args = `streams --target s3:// --endpoint ${store.endpoint} --streams 3 --duration 400ms --timeout 10m ${SMALL}`;
      const { exitCode, err, document } = await meter<StreamsDocument>(args, { signal: stop.signal });
      assert.equal(exitCode, kept === 'PUT' ? 1 : 0);
      assert.equal(err.trim(), 'holdfast meter streams: interrupted');
      conforms(document());
      assert.equal(store.buckets.size, 0);
    }
  });

  test('finds again what it kept, and plays it from a web server too', async () => {
    using folder = new MeterFolder();
    const base = `--name kept-run --duration 200ms --drop-after 60s --direct off ${SMALL}`;
    await meter(`streams --target ${folder.path} ${base} --keep`);
    const [clip = ''] = readdirSync(join(folder.path, 'kept-run'));
    await using store = await PlantedStore.start();
    store.plain = true;
    const bytes = readFileSync(join(folder.path, 'kept-run', clip));
    store.buckets.set('media', new Map([[`kept-run/${clip}`, bytes]]));
    const { exitCode, err, document } = await meter<StreamsDocument>(
      `streams --target ${store.endpoint}/media/ ${base}`,
    );
    assert.equal(exitCode, 0, err);
    assert.equal(document().framesDropped, 0);
    assert.equal(document().target?.verified, true);
  });

  test('shows itself on a terminal', async () => {
    using folder = new MeterFolder();
    const { err } = await meter(`streams --target ${folder.path} --duration 1500ms ${SMALL}`, {
      isTTY: true,
    });
    assert.match(err, /1 streams: .* MiB\/s, \d+ frames, \d+ late/);
  });
});

describe('holdfast meter search', () => {
  test('finds how many streams a server serves that keeps too many waiting', async () => {
    await using store = await PlantedStore.start();
    // A server that keeps whoever comes too many waiting for longer than the buffers last.
    const reading = new Map<string, number>();
    store.faults = ({ method, name }) => {
      if (method !== 'GET') return undefined;
      reading.set(name, performance.now());
      const now = [...reading.values()].filter((atMs) => performance.now() - atMs < 600).length;
      return now > 5 ? { delayMs: 700 } : undefined;
    };
    // A frame lasts 100 ms: what the machine is late by is less, and not the meter's limit.
    const steps =
      '--fps 10 --step-duration 500ms --duration 500ms --streams-max 8 --precision 0 --pre-buffer 4';
    const args = `search --target s3:// --endpoint ${store.endpoint} ${steps} ${SMALL} --drop-after 200ms`;
    const { document, out } = await meter<SearchDocument>(args);
    const result = document();
    conforms(result);
    assert.ok(result.complete, result.stopped ?? '');
    assert.ok((result.healthy?.streams ?? 0) >= 1 && (result.healthy?.streams ?? 99) <= 5, out);
    assert.equal(result.healthy?.limitedBy, 'late frames');
    assert.ok(result.steps.some(({ passed }) => !passed));
  });

  test('does not take a server for slow that has ceased to serve', async () => {
    await using store = await PlantedStore.start();
    // Two streams at once wear it out.
    let wornOut = false;
    const reading = new Set<string>();
    store.faults = ({ method, name }) => {
      if (method !== 'GET' || name === '') return undefined;
      wornOut ||= reading.add(name).size > 1;
      return wornOut ? { status: 503, code: 'SlowDown' } : undefined;
    };
    const steps = '--step-duration 500ms --duration 500ms --streams-max 8 --pre-buffer 250';
    const args = `search --target s3:// --endpoint ${store.endpoint} ${steps} ${SMALL}`;
    const { document, out } = await meter<SearchDocument>(args);
    const result = document();
    conforms(result);
    assert.equal(result.steps[0]?.passed, true);
    assert.equal(result.streams, 0);
    assert.equal(result.valid, false);
    // Whether the meter was in the way as well is the machine's affair.
    const ofStorage = result.invalidReasons.filter((reason) => !reason.startsWith('meter-'));
    assert.deepEqual(ofStorage, ['not-confirmed', 'nothing-delivered']);
    // In step 2 only the stream that asks first may be given anything, and which that is nobody decides.
    assert.match(out, /In step (?:2, with 2|3, with 1) of them, the storage delivered nothing: .*503/);
  });

  test('runs a command in the middle of each step, and one behind it', async () => {
    using folder = new MeterFolder();
    using notes = new MeterFolder();
    const during = join(notes.path, 'during.sh');
    writeFileSync(during, `echo fault >> ${notes.path}/log; echo said so`);
    const restore = join(notes.path, 'restore.sh');
    writeFileSync(restore, `echo restored >> ${notes.path}/log`);
    const args = `search --target ${folder.path} --streams-max 1 --step-duration 2s --duration 2s --pre-buffer 250 ${SMALL}`;
    let out = '';
    const json = join(notes.path, 'r.json');
    const commands = ['--during', `sh ${during}`, '--restore', `sh ${restore}`, '--json', json];
    await meterCommand([...args.split(' '), ...commands], {
      out: { write: (text) => (out += text) },
      err: { write: () => undefined },
      env: {},
      signal: new AbortController().signal,
    });
    const result = JSON.parse(readFileSync(json, 'utf8')) as SearchDocument;
    conforms(result);
    const ailing = result.steps.filter(({ phase }) => phase === 'during');
    assert.ok(ailing.length >= 2);
    assert.ok(ailing.every(({ fault }) => fault?.exitCode === 0 && fault.output === 'said so'));
    const log = readFileSync(join(notes.path, 'log'), 'utf8').trim().split('\n');
    assert.deepEqual(
      log,
      ailing.flatMap(() => ['fault', 'restored']),
    );
    assert.match(out, /sustains 1 .*; while `sh /);
  });
});

describe('holdfast meter', () => {
  test('says in one line what it cannot do', async () => {
    using folder = new MeterFolder();
    for (const [args, line] of [
      [`streams --processes 0 --target ${folder.path} --codec betamax`, /no codec is called betamax/],
      ['streams --target /nowhere/at/all --processes 0', /no such folder/],
      ['streams', /--target/],
      ['streams --target s3:// --endpoint http://127.0.0.1:9 --processes 0', /ECONNREFUSED/],
      [`streams --target ${folder.path} --pattern sideways`, /--pattern takes/],
      [
        `streams --target ${folder.path} --codec uncompressed-uhd10 --streams 500 --clips 500 --processes 0`,
        /--clips-size/,
      ],
      [`search --target ${folder.path} --precision 7`, /--precision/],
      ['ops --target http://127.0.0.1:9/x', /only read/],
      [`ops --target ${folder.path} --mix fly:3`, /--mix takes/],
      [`ops --target ${folder.path} --replay /nowhere.csv`, /cannot read/],
    ] as const) {
      const { exitCode, err } = await meter(args, {
        env: { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' },
      });
      assert.notEqual(exitCode, 0, args);
      assert.match(err, line);
      assert.equal(err.trim().split('\n').length, 1, err);
    }
  });

  test('says before it measures that a result could not be written', async () => {
    using folder = new MeterFolder();
    using scripts = new MeterFolder();
    const script = join(scripts.path, 's.yaml');
    const target = `--target ${folder.path}`;
    writeFileSync(script, `target: ${folder.path}\nsteps: [{ streams: 1 }]`);
    for (const args of [
      `streams ${target} --json /nowhere/r.json`,
      `streams ${target} --frames-csv /nowhere/f.csv`,
      `search ${target} --html ${folder.path}`,
      `ops ${target} --trace /nowhere/t.csv`,
      `classic ${target} --create 100k --csv /nowhere/c.csv`,
      `run ${script} --markdown /nowhere/m.md`,
    ]) {
      let err = '';
      const exitCode = await meterCommand(args.split(' '), {
        out: { write: () => undefined },
        err: { write: (text) => (err += text) },
        env: {},
        signal: new AbortController().signal,
      });
      assert.equal(exitCode, 2, args);
      assert.match(err, /cannot write (?:\/nowhere|.*it is a folder)/);
      assert.deepEqual(readdirSync(folder.path), []);
    }
  });

  test('shows its result though it can no longer be written, and says that', async () => {
    await using store = await PlantedStore.start();
    using folder = new MeterFolder();
    const gone = join(folder.path, 'gone');
    mkdirSync(gone);
    store.faults = ({ method, name }) => {
      if (method === 'GET' && name !== '') rmSync(gone, { recursive: true, force: true });
      return undefined;
    };
    const args = `streams --target s3:// --endpoint ${store.endpoint} --duration 400ms ${SMALL} --frames-csv ${folder.path}/f.csv`;
    let [out, err] = ['', ''];
    const exitCode = await meterCommand([...args.split(' '), '--json', join(gone, 'r.json')], {
      out: { write: (text) => (out += text) },
      err: { write: (text) => (err += text) },
      env: PLANTED_ENV,
      signal: new AbortController().signal,
    });
    assert.equal(exitCode, 1);
    assert.match(out, /1 streams of custom for 0\.4 s: \d+ late of 10 frames/);
    assert.match(err, /cannot write .*gone/);
  });

  test('has a schema that its classic results keep to as well', async () => {
    using folder = new MeterFolder();
    const args = `classic --target ${folder.path} --create 100k --files 2 --duration 200ms --remove`;
    conforms((await meter<ClassicDocument>(args)).document());
    assert.ok(!isConformant({ schema: 'holdfast-meter-streams', version: 1 }));
  });
});
