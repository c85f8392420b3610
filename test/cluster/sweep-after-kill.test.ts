/** A cluster of real processes whose proxy is killed in the middle of uploads, and the disks after the sweep. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { type ClientRequest, request } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterStatus } from '#console/supervisor/cluster-status.ts';
import { statusOf } from '../house/answered.ts';
import { Foreground, LAUNCHER } from '../house/foreground.ts';
import { keysIn, s3, type ShellKeys } from '../house/s3-request.ts';

const aws4 = createRequire(import.meta.url)('aws4') as {
  sign(parts: Record<string, unknown>, keys: Record<string, string>): { headers: Record<string, string> };
};

const PORTS = { s3: 21_200, control: 21_240, storage: 21_250 };
const MIB = 1 << 20;
const DEVICES = 4;
const REPLICAS = 3;
/** A little more than a stripe, so that the first is on the disks while the second is under way. */
const LONG_BYTES = 66 * MIB;
/** A writer calls itself dead when it has not renewed its lease for half of it, which a busy disk may keep it from. */
const GRACE_SECONDS = 15;
const WAIT_MS_MAX = 240_000;

/** An upload whose body the caller sends in pieces. */
class Upload {
  readonly answered: Promise<number>;
  readonly #request: ClientRequest;

  constructor(keys: ShellKeys, path: string, bytes: number) {
    const { host, port } = new URL(keys.AWS_ENDPOINT_URL);
    const unsigned = { 'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD', 'Content-Length': String(bytes) };
    const { headers } = aws4.sign(
      { service: 's3', region: 'us-east-1', method: 'PUT', host, path, headers: unsigned },
      { accessKeyId: keys.AWS_ACCESS_KEY_ID, secretAccessKey: keys.AWS_SECRET_ACCESS_KEY },
    );
    this.#request = request({ host: '127.0.0.1', port, method: 'PUT', path, headers });
    this.answered = new Promise((resolve) => {
      this.#request.once('response', (response) => resolve(response.resume().statusCode ?? 0));
      this.#request.once('error', () => resolve(0));
    });
  }

  send(bytes: Buffer): Promise<void> {
    return new Promise((resolve) => void this.#request.write(bytes, () => resolve()));
  }

  end(): Promise<number> {
    this.#request.end();
    return this.answered;
  }
}

class House implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'holdfast-sweep-'));
  readonly data = join(this.folder, 'data');
  readonly up: Foreground;

  constructor() {
    const config = join(this.folder, 'holdfast.yaml');
    const lines = [
      'apart: true',
      `objects: {port: ${PORTS.s3}}`,
      `control: {port: ${PORTS.control}}`,
      `storage: {processes: 2, portBase: ${PORTS.storage}}`,
      `sweep: {graceSeconds: ${GRACE_SECONDS}, intervalSeconds: 1, reclaimSeconds: 2}`,
    ];
    writeFileSync(config, lines.join('\n'));
    this.up = new Foreground(LAUNCHER, ['up', '--data', this.data, '--config', config]);
  }

  get keys(): ShellKeys {
    return keysIn(join(this.data, 'credentials', 'admin.env'));
  }

  status(): Promise<ClusterStatus> {
    return statusOf(this.data);
  }

  async killProxy(): Promise<void> {
    const { processes } = await this.status();
    const pid = processes.find(({ name }) => name === 'proxy-1')?.pid;
    assert.ok(pid !== undefined);
    process.kill(pid, 'SIGKILL');
    await this.up.prints(/proxy-1 serves again/);
  }

  /** Of all devices; NaN while one is down, of which the status has zeros in place of its numbers. */
  async tombstones(): Promise<number> {
    const { devices } = await this.status();
    if (devices.length !== DEVICES || devices.some(({ health }) => health !== 'ok')) return Number.NaN;
    return devices.reduce((sum, device) => sum + device.tombstones, 0);
  }

  blobs(): string[] {
    const found: string[] = [];
    for (let device = 0; device < DEVICES; device += 1) {
      const blobs = join(this.data, 'devices', `d${device}`, 'blobs');
      for (const folder of readdirSync(blobs)) found.push(...readdirSync(join(blobs, folder)));
    }
    return found;
  }

  /** Resolves when each device that is to have a stripe has it: a PUT is answered when two of three have. */
  async replicated(): Promise<void> {
    const deadlineMs = Date.now() + WAIT_MS_MAX;
    for (;;) {
      const copies = Map.groupBy(this.blobs(), (id) => id);
      const short = [...copies].filter(([, { length }]) => length !== REPLICAS).map(([id]) => id);
      if (short.length === 0) return;
      assert.ok(Date.now() < deadlineMs, `not ${REPLICAS} copies of ${short.join(', ')}`);
      await sleep(50);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.up[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true });
  }
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function bodyOf(keys: ShellKeys, path: string): Promise<string> {
  const response = await s3(keys, 'GET', path);
  assert.equal(response.status, 200, path);
  return digest(Buffer.from(await response.arrayBuffer()));
}

/** Again while it is told to slow down, as clients do: the disks are busy here. */
async function put(keys: ShellKeys, path: string, body: Buffer): Promise<number> {
  const deadlineMs = Date.now() + WAIT_MS_MAX;
  for (;;) {
    const upload = new Upload(keys, path, body.length);
    await upload.send(body);
    const status = await upload.end();
    if (status !== 503 || Date.now() > deadlineMs) return status;
    await sleep(500);
  }
}

async function startUpload(keys: ShellKeys, path: string): Promise<string> {
  const started = await s3(keys, 'POST', `${path}?uploads=`);
  const id = /<UploadId>(\w+)</.exec(await started.text())?.[1];
  assert.ok(id !== undefined);
  return id;
}

test('after kills in the middle of uploads, the disks hold what objects refer to and nothing else', async () => {
  await using house = new House();
  await house.up.prints(/^holdfast: ready$/m);
  const { keys } = house;
  const long = randomBytes(LONG_BYTES);
  const short = randomBytes(MIB);
  assert.equal((await s3(keys, 'PUT', '/films')).status, 200);
  assert.equal(await put(keys, '/films/short', short), 200);
  assert.equal(await put(keys, '/films/replaced', randomBytes(MIB)), 200);
  assert.equal(await put(keys, '/films/gone', short), 200);
  // A body that takes longer than the grace, under the eyes of the sweep.
  const slow = new Upload(keys, '/films/slow', LONG_BYTES);
  await slow.send(long.subarray(0, 65 * MIB));
  await sleep(GRACE_SECONDS * 2000);
  await slow.send(long.subarray(65 * MIB));
  assert.equal(await slow.end(), 200);
  // One upload dies behind its first stripe, one within a part, and what was replaced a moment ago is not yet released.
  const uploadId = await startUpload(keys, '/films/parts');
  const part = new Upload(keys, `/films/parts?partNumber=1&uploadId=${uploadId}`, LONG_BYTES);
  const cut = new Upload(keys, '/films/cut', LONG_BYTES);
  await Promise.all([part.send(long.subarray(0, 65 * MIB)), cut.send(long.subarray(0, 65 * MIB))]);
  assert.equal(await put(keys, '/films/replaced', short), 200);
  assert.equal((await s3(keys, 'DELETE', '/films/gone')).status, 204);
  // A third copy that is still under way would die with the proxy, and the sweep makes none.
  await house.replicated();
  await house.killProxy();
  assert.notEqual(await part.answered, 200);
  assert.notEqual(await cut.answered, 200);
  assert.equal((await s3(keys, 'DELETE', `/films/parts?uploadId=${uploadId}`)).status, 204);
  // short and replaced have a stripe each, slow has two.
  const expected = 4 * REPLICAS;
  const deadlineMs = Date.now() + WAIT_MS_MAX;
  let tombstones = Number.NaN;
  while (Date.now() < deadlineMs) {
    tombstones = await house.tombstones();
    if (house.blobs().length === expected && tombstones === 0) break;
    await sleep(500);
  }
  assert.equal(house.blobs().length, expected);
  assert.equal(new Set(house.blobs()).size, 4);
  assert.equal(tombstones, 0);
  assert.equal(await bodyOf(keys, '/films/short'), digest(short));
  assert.equal(await bodyOf(keys, '/films/replaced'), digest(short));
  assert.equal(await bodyOf(keys, '/films/slow'), digest(long));
  assert.equal((await s3(keys, 'GET', '/films/gone')).status, 404);
  assert.equal((await s3(keys, 'GET', '/films/cut')).status, 404);
});
