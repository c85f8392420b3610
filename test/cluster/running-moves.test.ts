/** A cluster of real processes under a write load: a device is added, one removed, one replaced after its disk is lost. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { realFiles } from '#common/io/real-files.ts';
import type { ClusterStatus } from '#console/supervisor/cluster-status.ts';
import { loadBuilder, ringPaths } from '#ring/file/ring-files.ts';
import { RunningCluster } from '../clients/running-cluster.ts';
import { statusOf } from '../house/answered.ts';
import { s3, type ShellKeys } from '../house/s3-request.ts';

const LAUNCHER = fileURLToPath(new URL('../../holdfast', import.meta.url));
const PORT_OFFSET = 14_860;
const MOVED_MS_MAX = 240_000;
const LANES = 3;

interface Device {
  readonly id: number;
  readonly records: number;
  readonly tombstones: number;
  readonly blobs: number;
}

function status(cluster: RunningCluster): Promise<ClusterStatus> {
  return statusOf(cluster.dataDirectory, (...words) => cluster.attempt(LAUNCHER, words));
}

async function ring(cluster: RunningCluster, ...words: string[]): Promise<string> {
  return (await cluster.run(LAUNCHER, ['ring', ...words, '--data', cluster.dataDirectory])).stdout;
}

async function moved(cluster: RunningCluster): Promise<void> {
  const startedMs = Date.now();
  for (;;) {
    // What the book says is true before `ring rebalance` returns; the mover tells of it some time later.
    const { state } = await loadBuilder(realFiles(), ringPaths(cluster.dataDirectory).builder);
    const { moves } = await status(cluster);
    const left = state.moves.length + state.drops.length;
    if (moves !== undefined && left + moves.moving + moves.dropping === 0) return;
    assert.ok(Date.now() - startedMs < MOVED_MS_MAX, `${left} in the book, ${JSON.stringify(moves)}`);
    await sleep(500);
  }
}

/** The devices, once they are as they are to be: a status may be older than what it is asked after. */
async function devicesThat(
  cluster: RunningCluster,
  areRight: (devices: readonly Device[]) => boolean,
): Promise<void> {
  const startedMs = Date.now();
  for (;;) {
    const { devices } = await status(cluster);
    if (areRight(devices)) return;
    assert.ok(Date.now() - startedMs < MOVED_MS_MAX, JSON.stringify(devices));
    await sleep(500);
  }
}

/** Puts, replaces and deletes objects of all sizes; knows what has been acknowledged. */
class Load {
  /** Digest by name; undefined for what was deleted. */
  readonly acknowledged = new Map<string, string | undefined>();
  readonly refused: string[] = [];
  #stopped = false;
  readonly #lanes: Promise<void>[];

  constructor(keys: ShellKeys) {
    this.#lanes = Array.from({ length: LANES }, (_, lane) => this.#run(keys, lane));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#lanes);
  }

  async #run(keys: ShellKeys, lane: number): Promise<void> {
    for (let round = 0; !this.#stopped; round += 1) {
      const name = `/load/${lane}/${round % 80}`;
      const removes = this.acknowledged.get(name) !== undefined && round % 5 === 0;
      // A text, whose bytes are its characters.
      const body = randomBytes(round % 6 === 0 ? 150_000 : 300).toString('hex');
      const answer = removes ? await ask(keys, 'DELETE', name) : await ask(keys, 'PUT', name, body);
      if (answer === 'done') this.acknowledged.set(name, removes ? undefined : digestOf(Buffer.from(body)));
      else {
        // Either may have happened: the name is written anew at once, until one of them is acknowledged.
        this.refused.push(`${removes ? 'DELETE' : 'PUT'} ${name} ${answer}`);
        this.acknowledged.delete(name);
        while (!this.#stopped) {
          if ((await ask(keys, 'PUT', name, body)) === 'done') {
            this.acknowledged.set(name, digestOf(Buffer.from(body)));
            break;
          }
          await sleep(100);
        }
      }
      await sleep(5);
    }
  }
}

/** 'done' when it was acknowledged, or what was said instead. */
async function ask(keys: ShellKeys, method: string, name: string, body?: string): Promise<string> {
  try {
    const answer = await s3(keys, method, name, body);
    const text = await answer.text();
    return answer.ok ? 'done' : `${answer.status} ${text.slice(0, 300)}`;
  } catch (error) {
    return String(error instanceof Error ? (error.cause ?? error) : error);
  }
}

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function checkAll(keys: ShellKeys, { acknowledged }: Load): Promise<void> {
  assert.ok(acknowledged.size > 50);
  for (const [name, digest] of acknowledged) {
    const answer = await s3(keys, 'GET', name);
    const body = Buffer.from(await answer.arrayBuffer());
    if (digest === undefined) assert.equal(answer.status, 404, name);
    else assert.equal(digestOf(body), digest, `${name} ${answer.status}`);
  }
}

test('devices come, go and are replaced under a write load, and every acknowledged object stays byte for byte', async (t) => {
  await using cluster = await RunningCluster.start(PORT_OFFSET);
  const keys = (): ShellKeys => cluster.env as unknown as ShellKeys;
  assert.ok((await s3(keys(), 'PUT', '/load')).ok);
  const load = new Load(keys());
  // Also when the test fails: nothing is to be left running.
  t.after(() => load.stop());
  await sleep(2000);

  // A fifth device, without a restart.
  await ring(cluster, 'add', '--zone', '5', '--host', 'zone-5');
  assert.match(await ring(cluster, 'rebalance'), /the running cluster moves \d+ replicas/);
  await moved(cluster);
  await devicesThat(cluster, (devices) =>
    devices.some(({ id, records, blobs }) => id === 4 && records > 0 && blobs > 0),
  );

  // A device leaves, and holds nothing any more.
  await ring(cluster, 'remove', '1');
  await ring(cluster, 'rebalance');
  await moved(cluster);
  await devicesThat(cluster, (devices) => !devices.some(({ id }) => id === 1));
  const counts = join(cluster.dataDirectory, 'devices', 'd1', 'counts.json');
  // Written when the device is closed.
  while (!existsSync(counts)) await sleep(100);
  const { records, tombstones, blobs } = JSON.parse(readFileSync(counts, 'utf8')) as Device;
  assert.deepEqual([records, tombstones, blobs], [0, 0, 0]);

  // A disk is lost while nothing runs: refused, and replaced.
  await load.stop();
  await checkAll(keys(), load);
  assert.equal(await cluster.stop(), 0);
  const lost = join(cluster.dataDirectory, 'devices', 'd2');
  rmSync(lost, { recursive: true });
  await assert.rejects(cluster.up(), /device 2 is in the ring/);
  await ring(cluster, 'replace', '2');
  await ring(cluster, 'rebalance');
  await cluster.up();
  const second = new Load(keys());
  await moved(cluster);
  await second.stop();
  await checkAll(keys(), second);
  assert.ok(!existsSync(join(lost, 'device.json')));
  await devicesThat(
    cluster,
    (devices) =>
      devices.map(({ id }) => id).join(' ') === '0 3 4 5' && devices.every(({ records }) => records > 0),
  );
  const refused = [...load.refused, ...second.refused];
  t.diagnostic(`refused and tried again: ${refused.length} ${refused.slice(0, 5).join(', ')}`);
});
