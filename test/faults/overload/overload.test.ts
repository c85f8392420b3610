/** A real cluster under 2,000 slow connections, and under ten times as many requests as it takes: bounded, and right. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { statusOf } from '../../house/answered.ts';
import { adminToken, serviceNamed } from '../../house/control-services.ts';
import { Foreground, LAUNCHER } from '../../house/foreground.ts';
import { exportedIn, keysIn, s3, signedHead } from '../../house/s3-request.ts';
import { runOpenLoop } from './open-loop.ts';
import { gatherCrowd } from './slow-crowd.ts';

const PORTS = { s3: 24_100, control: 24_110, storage: 24_120, metrics: 24_130 };
const RESIDENT_MIB_MAX = 448;
const CROWD = 500;
const ROUNDS = 40;
const FILM_BYTES = 8 * 2 ** 20;
const TAKEN_MAX = 20;
/** Longer than a process's lease. */
const LOAD_MS = 15_000;
const LOOK_MS = 250;

describe('overload', () => {
  let folder: string;
  let data: string;
  let up: Foreground;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-overload-'));
    data = join(folder, 'data');
  });
  afterEach(async () => {
    await up[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  const start = async (proxy = ''): Promise<void> => {
    const config = join(folder, 'holdfast.yaml');
    writeFileSync(
      config,
      `objects: {port: ${PORTS.s3}}\ncontrol: {port: ${PORTS.control}}\nmetrics: {portBase: ${PORTS.metrics}}\n` +
        `storage: {processes: 1, portBase: ${PORTS.storage}}\n${proxy}`,
    );
    up = new Foreground(LAUNCHER, ['up', '--data', data, '--config', config]);
    await up.prints(/^holdfast: ready$/m);
  };
  const adminEnv = () => join(data, 'credentials', 'admin.env');
  const keys = () => keysIn(adminEnv());
  const node = async (): Promise<{ pid: number; restarts: number }> => {
    const { processes } = await statusOf(data);
    const found = processes.find(({ name }) => name === 'node-1');
    assert.ok(found?.pid !== undefined, 'node-1 runs');
    return { pid: found.pid, restarts: found.restarts };
  };
  const begun = (method: string, path: string, length?: number): string =>
    signedHead(keys(), method, path, length === undefined ? {} : { 'Content-Length': length });

  test('2,000 slow senders and readers take little, and others are answered meanwhile', async (t) => {
    await start();
    assert.equal((await s3(keys(), 'PUT', '/films')).status, 200);
    const film = 'f'.repeat(FILM_BYTES);
    assert.equal((await s3(keys(), 'PUT', '/films/long', film)).status, 200);
    const { pid } = await node();
    let mostMib = residentMib(pid);
    const beforeMib = mostMib;
    {
      await using crowd = await gatherCrowd(PORTS.s3, [
        // Those that are given up soonest come last.
        {
          count: CROWD,
          begun: (index) => begun('PUT', `/films/large-${index}`, 2 ** 30),
          drop: 'x'.repeat(600),
        },
        { count: CROWD, begun: () => begun('GET', '/films/long'), stalls: true },
        { count: CROWD, begun: (index) => begun('PUT', `/films/small-${index}`, 50_000), drop: 'x' },
        { count: CROWD, begun: () => 'GET /films HTTP/1.1\r\nHost: x\r\nX-Slow: ', drop: 'x' },
      ]);
      assert.equal(crowd.standing, 4 * CROWD);
      for (let round = 0; round < ROUNDS; round += 1) {
        const small = randomBytes(1000).toString('hex');
        const path = `/films/normal-${round}`;
        assert.equal((await s3(keys(), 'PUT', path, small)).status, 200);
        assert.equal(await (await s3(keys(), 'GET', path)).text(), small);
        if (round % 8 === 0) {
          const large = randomBytes(250_000).toString('hex');
          assert.equal((await s3(keys(), 'PUT', `${path}-large`, large)).status, 200);
          assert.equal(await (await s3(keys(), 'GET', `${path}-large`)).text(), large);
        }
        mostMib = Math.max(mostMib, residentMib(pid));
      }
      t.diagnostic(`resident MiB: ${beforeMib} before, ${mostMib} at most; ${crowd.standing} stand`);
      t.diagnostic(
        `answers to the crowd: ${crowd.answered.length} ${crowd.answered[0]?.slice(0, 200) ?? ''}`,
      );
      assert.ok(mostMib < RESIDENT_MIB_MAX, `${mostMib} MiB`);
    }
    assert.equal(await (await s3(keys(), 'GET', '/films/long')).text(), film);
    const listed = await (await s3(keys(), 'GET', '/films?prefix=small')).text();
    assert.ok(!listed.includes('<Key>'), 'of what was not sent to its end nothing is there');
    assert.deepEqual(await node(), { pid, restarts: 0 });
  });

  test('two thousand connections that ask again at once keep no timer from its time, and many are answered', async (t) => {
    await start();
    assert.equal((await s3(keys(), 'PUT', '/films')).status, 200);
    assert.equal((await s3(keys(), 'PUT', '/films/one', 'x'.repeat(1000))).status, 200);
    const before = await node();
    const variables = exportedIn(readFileSync(adminEnv(), 'utf8'));
    const token = await adminToken(variables);
    const loading = runOpenLoop({
      port: PORTS.s3,
      requests: [begun('GET', '/films/one')],
      ratePerS: 20_000,
      durationMs: LOAD_MS,
      connections: 4 * CROWD,
    });
    let isOver = false;
    const figures = loading.finally(() => {
      isOver = true;
    });
    const states = new Set<string>();
    // By its lease, which a timer of the process renews. Control is asked itself: a command takes a second of the processor each time.
    while (!isOver) {
      states.add((await serviceNamed(variables, token, 'node-1'))?.state ?? 'none');
      await sleep(LOOK_MS);
    }
    const { accepted, refused, failed } = await figures;
    t.diagnostic(
      `${accepted.length} accepted, ${refused.length} refused; node-1 was ${[...states].join(', ')}`,
    );
    assert.ok(states.has('up') && !states.has('down'), 'node-1 is up all the time');
    assert.equal(failed, 0);
    assert.ok(accepted.length > 0);
    assert.deepEqual(await node(), before);
  });

  test('of ten times as many requests as are taken, the others are told to slow down', async (t) => {
    await start(`proxy: {requestsMax: ${TAKEN_MAX}}\n`);
    assert.equal((await s3(keys(), 'PUT', '/films')).status, 200);
    const bodies = Array.from({ length: 10 * TAKEN_MAX }, () => randomBytes(50_000).toString('hex'));
    // All of them stand half sent at once, until as many as are too many have been answered.
    const senders = bodies.map((body, index) =>
      sendHalf(PORTS.s3, begun('PUT', `/films/${index}`, body.length), body),
    );
    let refused = 0;
    await new Promise<void>((resolve) => {
      for (const { answer } of senders)
        void answer.then(() => {
          refused += 1;
          if (refused === bodies.length - TAKEN_MAX) resolve();
        });
    });
    for (const sender of senders) sender.finish();
    // Before all are answered, whoever asks for what was stored may be one too many.
    const answers = await Promise.all(senders.map(({ answer }) => answer));
    let taken = 0;
    for (const [index, answer] of answers.entries()) {
      const isTaken = answer.startsWith('HTTP/1.1 200 ');
      if (isTaken) taken += 1;
      else assert.match(answer, /^HTTP\/1\.1 503 .*Retry-After: 1\r\n.*<Code>SlowDown<\/Code>/is);
      const stored = await s3(keys(), 'GET', `/films/${index}`);
      assert.equal(stored.status, isTaken ? 200 : 404);
      const text = await stored.text();
      if (isTaken) assert.equal(text, bodies[index]);
    }
    t.diagnostic(`${taken} of ${bodies.length} were taken`);
    assert.equal(taken, TAKEN_MAX);

    // As many as are taken stand still: then Swift has no room, either, and has it again when they have gone.
    const url = `http://127.0.0.1:${PORTS.s3}/info`;
    {
      await using crowd = await gatherCrowd(PORTS.s3, [
        { count: TAKEN_MAX, begun: (index) => begun('PUT', `/films/slow-${index}`, 50_000) },
      ]);
      assert.equal(crowd.standing, TAKEN_MAX);
      const turned = await until(url, 503);
      assert.equal(turned.headers.get('retry-after'), '1');
    }
    await until(url, 200);
    assert.equal((await node()).restarts, 0);
  });
});

/** A request on a connection of its own, up to the middle of its body; the rest when it is told to finish. */
function sendHalf(port: number, head: string, body: string): { answer: Promise<string>; finish(): void } {
  const socket = connect(port, '127.0.0.1');
  const half = body.length / 2;
  socket.write(head.replace('\r\n', '\r\nConnection: close\r\n') + body.slice(0, half));
  const answer = new Promise<string>((resolve) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
  });
  return {
    answer,
    finish: () => {
      if (socket.writable) socket.write(body.slice(half));
    },
  };
}

async function until(url: string, status: number): Promise<Response> {
  for (let attempt = 0; attempt < 1000; attempt += 1) {
    const answer = await fetch(url);
    await answer.arrayBuffer();
    if (answer.status === status) return answer;
  }
  throw new Error(`${url} was never answered ${status}`);
}

function residentMib(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Math.round(Number(kib) / 1024);
}
