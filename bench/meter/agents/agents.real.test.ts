import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { conforms, meter, MeterFolder } from '../meter-harness.ts';
import { MeterCrew } from '../crew/crew.ts';
import { Stage } from '../streams/stage.ts';
import { streamsSettingsOf } from '../streams/streams-settings.ts';
import { targetSpecOf } from '../targets/target-spec.ts';
import { startAgent } from './agent.ts';
import { connectAgent } from './remote-worker.ts';
import { Session } from './session.ts';
import { parseScript } from './script.ts';
import type { ScriptDocument } from './script-document.ts';

const NOBODY = { figures: () => undefined, written: () => undefined };
const OPTIONS =
  '{ codec: custom, frame-bytes: 20000, clip-length: 1s, warmup: 0ms, stagger: 0ms, duration: 400ms, pre-buffer: 250 }';

describe('agents', () => {
  test('share the streams of a script with a controller that knows their token', async () => {
    using folder = new MeterFolder();
    using scripts = new MeterFolder();
    await using first = await startAgent('127.0.0.1', 0, 'a token', () => undefined);
    await using second = await startAgent('127.0.0.1', 0, 'a token', () => undefined);
    const path = join(scripts.path, 'script.yaml');
    const agents = [first, second].map(({ port }) => `'127.0.0.1:${port}'`).join(', ');
    const steps = `[{ name: both, streams: 5, pattern: 'play,record' }, { command: 'echo done' }, { pause: 1ms }]`;
    writeFileSync(
      path,
      `agents: [${agents}]\ntarget: ${folder.path}\noptions: ${OPTIONS}\nsteps: ${steps}\n`,
    );
    const env = { HOLDFAST_METER_TOKEN: 'a token' };
    const { exitCode, err, out, document } = await meter<ScriptDocument>(`run ${path}`, { env });
    assert.equal(exitCode, 0, err);
    conforms(document());
    const [both] = document().steps;
    assert.ok(both?.result !== null && both?.result !== undefined && 'rows' in both.result);
    assert.equal(both.result.framesTotal, 5 * 10);
    assert.equal(Object.keys(both.result.runs[0]?.meter.byWorker ?? {}).length, 2);
    assert.ok(
      document().agents.every(({ lost, clockAheadMs }) => lost === null && Math.abs(clockAheadMs ?? 99) < 50),
    );
    assert.match(out, /both +streams +5 +0 /);
    assert.deepEqual(readdirSync(folder.path), []);
  });

  test('that are not there, or are lost, are reported, and the others go on', async () => {
    using folder = new MeterFolder();
    using scripts = new MeterFolder();
    await using agent = await startAgent('127.0.0.1', 0, '', () => undefined);
    const path = join(scripts.path, 'script.yaml');
    const agents = `['127.0.0.1:${agent.port}', '127.0.0.1:9']`;
    writeFileSync(
      path,
      `agents: ${agents}\ntarget: ${folder.path}\noptions: ${OPTIONS}\nsteps: [{ streams: 2 }]\n`,
    );
    const { exitCode, out, document } = await meter<ScriptDocument>(`run ${path}`);
    assert.equal(exitCode, 1);
    assert.match(out, /LOST: 127\.0\.0\.1:9/);
    conforms(document());
    assert.equal(document().valid, false);
    assert.ok(document().invalidReasons.includes('worker-lost'));
    const [step] = document().steps;
    assert.ok(step?.result !== null && step?.result !== undefined && 'rows' in step.result);
    assert.equal(step.result.framesTotal, 20);
  });

  test('refuse a wrong token, and what is no greeting', async () => {
    await using agent = await startAgent('127.0.0.1', 0, 'a token', () => undefined);
    await assert.rejects(connectAgent(`127.0.0.1:${agent.port}`, 'another', NOBODY), /the token is wrong/);
    const socket = connect(agent.port, '127.0.0.1');
    // The agent has said something before it hears this: whoever does not read never sees the end.
    socket.resume();
    socket.write('GET / HTTP/1.1\r\n\r\n');
    await new Promise((resolve) => socket.once('close', resolve));
  });

  test('are asked for their clocks again before each run', async () => {
    using folder = new MeterFolder();
    await using agent = await startAgent('127.0.0.1', 0, '', () => undefined);
    const events = { ...NOBODY, activity: () => undefined };
    using crew = new MeterCrew(events);
    const worker = await connectAgent(`127.0.0.1:${agent.port}`, '', NOBODY);
    crew.join(worker);
    const short = { warmup: '0ms', stagger: '0ms', duration: '400ms' };
    const settings = await streamsSettingsOf({ 'frame-bytes': '20000', 'clip-length': '1s', ...short });
    const stage = await Stage.open(settings, targetSpecOf({ target: folder.path }, {}), crew, events, false);
    await stage.prepare(1);
    // By what was known of it, the run would begin in a month.
    worker.clockAheadMs = 30 * 86_400_000;
    const { tally } = await stage.run(1);
    assert.equal(tally.rows[0]?.framesTotal, 10);
    assert.ok(worker.clockAheadMs < 86_400_000);
    await stage.clear();
  });

  test('a worker that dies while it measures is told of, with what the others saw', async () => {
    await using agent = await startAgent('127.0.0.1', 0, '', () => undefined);
    const worker = await connectAgent(`127.0.0.1:${agent.port}`, '', NOBODY);
    const waiting = worker.caller.call('now');
    await waiting;
    await agent[Symbol.asyncDispose]();
    await assert.rejects(worker.caller.call('now'), /is lost/);
    assert.equal(worker.caller.isLost, true);
  });
});

describe('a session', () => {
  const pair = (tokens: readonly [string, string]) => {
    const controller = new Session('controller', tokens[0]);
    const agent = new Session('agent', tokens[1]);
    return {
      controller,
      agent,
      ours: controller.seal(agent.publicKey),
      theirs: agent.seal(controller.publicKey),
    };
  };

  test('is read by the two who know the token, in both directions', () => {
    const { controller, agent, ours, theirs } = pair(['a token', 'a token']);
    assert.ok(agent.accepts(controller.publicKey, controller.proof(agent.publicKey)));
    for (const text of ['first', 'sec\u{1F600}nd', '']) {
      const sealed = ours.seal(text);
      assert.ok(!Buffer.from(sealed, 'base64').includes('first'));
      assert.equal(theirs.open(sealed), text);
      assert.equal(ours.open(theirs.seal(text)), text);
    }
  });

  test('is opened by nobody else, and nothing in it is changed, repeated, left out or sent back', () => {
    const { controller, agent, ours, theirs } = pair(['a token', 'another']);
    assert.ok(!agent.accepts(controller.publicKey, controller.proof(agent.publicKey)));
    assert.throws(() => theirs.open(ours.seal('x')));
    const spoilings: readonly ((first: string, second: string, third: string) => string)[] = [
      (first) => first,
      (_, second) => `${second.startsWith('A') ? 'B' : 'A'}${second.slice(1)}`,
      (_, second) => second.slice(4),
      (_, __, third) => third,
      () => '',
      () => '{"answer":1}',
    ];
    for (const spoil of spoilings) {
      const both = pair(['a token', 'a token']);
      const sealed = ['one', 'two', 'three'].map((text) => both.ours.seal(text)) as [string, string, string];
      assert.equal(both.theirs.open(sealed[0]), 'one');
      assert.throws(() => both.theirs.open(spoil(...sealed)));
      assert.throws(() => both.ours.open(sealed[0]));
    }
  });
});

describe('a script', () => {
  test('takes one of each list in turn, leaves out what has no place, and reads the environment', () => {
    const text = `
options: { target: '\${FOLDER:-/nowhere}', warmup: 0s, during: [], keep: false }
environment: { SERVER: '\${HOST}' }
steps:
  - name: table
    mode: search
    each:
      - [{ codec: dv25, start: 8 }, { name: proxy, codec: proxy-hd }]
      - [{ name: here }, { name: there, target: 's3://', environment: { SERVER: b } }, { name: away, when: '\${AWAY:-}' }]`;
    const { steps, skipped } = parseScript(text, 's.yaml', { HOST: 'a', FOLDER: '' });
    assert.deepEqual(
      steps.map(({ name }) => name),
      ['table, dv25 8, here', 'table, dv25 8, there', 'table, proxy, here', 'table, proxy, there'],
    );
    assert.deepEqual(skipped, ['table, dv25 8, away', 'table, proxy, away']);
    assert.deepEqual(steps[3], {
      kind: 'search',
      name: 'table, proxy, there',
      place: ['proxy', 'there'],
      args: ['--target=s3://', '--warmup=0s', '--codec=proxy-hd'],
      environment: { SERVER: 'b' },
    });
  });

  test('of which a command fails is not valid', async () => {
    using folder = new MeterFolder();
    using scripts = new MeterFolder();
    const path = join(scripts.path, 's.yaml');
    const steps = `[{ command: 'exit 4' }, { streams: 1, processes: 0 }]`;
    writeFileSync(path, `target: ${folder.path}\noptions: ${OPTIONS}\nsteps: ${steps}\n`);
    const { out, document } = await meter<ScriptDocument>(`run ${path}`);
    conforms(document());
    assert.match(out, /exit code 4/);
    assert.equal(document().valid, false);
    assert.deepEqual(document().invalidReasons, ['command-failed']);
  });

  test('drives every mode on this machine, and makes one table of it', async () => {
    using folder = new MeterFolder();
    using scripts = new MeterFolder();
    const file = (name: string): string => join(scripts.path, name);
    const small =
      'codec: custom, frame-bytes: 20000, clip-length: 1s, warmup: 0ms, stagger: 0ms, processes: 0';
    writeFileSync(
      file('s.yaml'),
      `target: ${folder.path}
steps:
  - { name: few, streams: 2, duration: 400ms, ${small} }
  - { mode: ops, name: some, duration: 200ms, warmup: 0ms, objects: 5, size: 1k, processes: 0 }
  - { mode: classic, name: old, files: 2, create: 1m, duration: 200ms, remove: true }
  - mode: search
    duration: 2s
    step-duration: 2s
    streams-max: 2
    ${small.replaceAll(', ', '\n    ')}
    during: ['true # asleep', 'true # gone']
    each:
      - [{ name: small }]
      - [{ name: folder }]
`,
    );
    const { exitCode, err, out, document, html } = await meter<ScriptDocument>(
      `run ${file('s.yaml')} --markdown ${file('s.md')}`,
    );
    assert.equal(exitCode, 0, err);
    conforms(document());
    assert.match(err, /^4 steps, 4 of them measurements, by this machine: about \d+/);
    assert.deepEqual(
      document().steps.map(({ kind }) => kind),
      ['streams', 'ops', 'classic', 'search'],
    );
    for (const pattern of [/few +streams +2/, /some +ops .* op\/s/, /old +classic .* accesses/, /asleep +2/])
      assert.match(out, pattern);
    const markdown = readFileSync(file('s.md'), 'utf8');
    assert.match(
      markdown,
      /\|  \| folder \| folder, asleep \| folder, gone \|\n\| --- .*\n\| small \| ≥ 2 \| 2 \| 2 \|/,
    );
    assert.match(html, /Streams with no late frame/);
    assert.deepEqual(readdirSync(folder.path), []);
  });

  test('is told in one line what is wrong with it', () => {
    for (const [text, line] of [
      ['steps: [{ streams: 1 }]', /target/],
      ['target: /x', /steps/],
      ['target: /x\nsteps: [{ name: a }]', /number 1: it has one of/],
      ['target: /x\nsteps: [{ streams: 1, pause: 1s }]', /one of/],
      ['target: /x\nsteps: [{ mode: dance }]', /there are streams, search/],
      ['target: /x\nsteps: [{ each: [{ codec: dv25 }] }]', /each: 1 to 4 lists/],
      ['target: ${NOWHERE}\nsteps: [{ streams: 1 }]', /no NOWHERE/],
      ["target: /x\nsteps: [{ streams: 1, when: '' }]", /every one is left out/],
      ['target: /x\nsteps: []\nagents: 5', /agents/],
      ['target: /x\nsteps: [{ streams: 1 }]\nagents: [a, "b:1", "a:7411"]', /a and a:7411 are the same/],
      ['target: /x\nsteps: [{ streams: 1 }]\nagents: ["a:b:c"]', /not an address/],
      ['target: /x\nagens: []\nsteps: [{ streams: 1 }]', /agens/],
      ['- a', /not a mapping/],
      ['{', /s\.yaml/],
    ] as const)
      assert.throws(() => parseScript(text, 's.yaml'), line, text);
  });
});
