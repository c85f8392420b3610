/** A cluster of real processes with two proxies: what is limited, what is counted, and who may read it. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { answered, statusOf } from '../house/answered.ts';
import { Foreground, holdfast, LAUNCHER } from '../house/foreground.ts';
import { keysIn, s3, type ShellKeys } from '../house/s3-request.ts';

const PORTS = { s3: 23_460, control: 23_465, storage: 23_470, metrics: 23_475 };
const LIMIT = 30;
const OBJECT_BYTES = 1000;
const WAIT_MS_MAX = 60_000;
/** Two storage processes, two proxies, control. */
const PROCESSES = 5;

class House implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'holdfast-quotas-'));
  readonly data = join(this.folder, 'data');
  readonly up: Foreground;

  constructor() {
    const config = join(this.folder, 'holdfast.yaml');
    const lines = [
      'apart: true',
      `objects: {port: ${PORTS.s3}}`,
      `control: {port: ${PORTS.control}}`,
      `storage: {processes: 2, portBase: ${PORTS.storage}}`,
      'proxy: {processes: 2}',
      `metrics: {portBase: ${PORTS.metrics}}`,
    ];
    writeFileSync(config, lines.join('\n'));
    this.up = new Foreground(LAUNCHER, ['up', '--data', this.data, '--config', config]);
  }

  get keys(): ShellKeys {
    return keysIn(join(this.data, 'credentials', 'admin.env'));
  }

  run(...words: string[]): Promise<string> {
    return answered(() => holdfast(...words, '--data', this.data));
  }

  async kill(name: string): Promise<void> {
    const { processes } = await statusOf(this.data);
    const pid = processes.find((process) => process.name === name)?.pid;
    assert.ok(pid !== undefined, name);
    process.kill(pid, 'SIGKILL');
    await this.up.prints(new RegExp(`${name} serves again`));
  }

  metrics(process: number, token: string): Promise<Response> {
    const headers = { authorization: `Bearer ${token}` };
    return fetch(`http://127.0.0.1:${PORTS.metrics + process}/metrics`, { headers });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.up[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true });
  }
}

async function putMany(keys: ShellKeys, prefix: string, count: number): Promise<number[]> {
  const put = async (_: unknown, at: number) => {
    const answer = await s3(keys, 'PUT', `/films/${prefix}${at}`, 'x'.repeat(OBJECT_BYTES));
    await answer.arrayBuffer();
    return answer.status;
  };
  return Promise.all(Array.from({ length: count }, put));
}

async function objectsIn(keys: ShellKeys): Promise<number> {
  return [...(await (await s3(keys, 'GET', '/films')).text()).matchAll(/<Key>/g)].length;
}

/** As `holdfast usage` has them for the administrator's project. */
async function writesOf(house: House): Promise<number> {
  const [head = '', line = ''] = (await house.run('usage', '--csv', '--project', 'admin')).split('\r\n');
  return Number(line.split(',')[head.split(',').indexOf('requests_write')] ?? 0);
}

test('two proxies keep to a quota, and what they did is counted once, though control is killed', async () => {
  await using house = new House();
  await house.up.prints(/holdfast: ready/);
  const { keys } = house;
  await house.run('quota', 'set', 'admin', `objects=${LIMIT}`);
  assert.equal((await s3(keys, 'PUT', '/films')).status, 200);
  const statuses = await putMany(keys, 'a', 2 * LIMIT);
  const done = statuses.filter((status) => status === 200).length;
  assert.equal(statuses.filter((status) => status === 403).length, 2 * LIMIT - done);
  assert.ok(done > 0 && done <= LIMIT, `${done} were written`);
  assert.equal(await objectsIn(keys), done);
  const shown = await house.run('quota', 'show', 'admin');
  assert.match(shown, new RegExp(`^objects +${LIMIT} +${done} +own$`, 'm'));
  assert.match(shown, new RegExp(`^bytes +none +${done * OBJECT_BYTES} +default$`, 'm'));

  // Without control the proxies go on, with their quotas and their counting.
  await house.run('quota', 'set', 'admin', 'objects=none');
  await sleep(1100);
  const control = house.kill('control-1');
  const more = (await putMany(keys, 'b', LIMIT)).filter((status) => status === 200).length;
  assert.equal(more, LIMIT);
  await control;

  const token = readFileSync(join(house.data, 'credentials', 'metrics.token'), 'utf8').trim();
  let counted = 0;
  for (let process = 0; process < PROCESSES; process += 1) {
    assert.equal((await house.metrics(process, 'f'.repeat(64))).status, 401);
    const text = await (await house.metrics(process, token)).text();
    assert.match(text, /^process_resident_memory_bytes \d+$/m);
    const puts = /^holdfast_http_requests_total\{door="s3",operation="putObject",status="200"\} (\d+)$/m;
    counted += Number(puts.exec(text)?.[1] ?? 0);
  }
  assert.equal(counted, done + more);

  const endMs = Date.now() + 2 * WAIT_MS_MAX;
  let writes = 0;
  while (writes < 1 + done + more && Date.now() < endMs) {
    await sleep(2000);
    writes = await writesOf(house);
  }
  assert.equal(writes, 1 + done + more);
});
