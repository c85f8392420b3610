/**
 * What a store of many small objects costs, and how it starts after a kill: `npm run scale -- --objects 1000000 [--bytes 256]
 * [--folder DIR] [--rebuild] [--keep]`. One process writes (three replicas on four devices, fsync on), and tells at 10⁴, 10⁵ … objects what a write, a
 * read and a page of a listing cost by then; it is killed amid writes; another opens what it left. With --rebuild
 * the indexes are removed, and made again from the logs. With --keep the store stays, for `scale.ts open FOLDER`.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Cluster } from '#cluster/cluster.ts';
import { type RecordKey, recordKey, recordKinds } from '#common/codec/record-key.ts';
import { spaceId } from '#common/ids.ts';
import { indexShard } from '#proxy/objects/index-shard.ts';
import { inFlight, measured, residentMib } from './measure.ts';
import { DEVICES, openStore } from './store.ts';

const OUTSTANDING = 32;
const SHARDS = 4;
const SPACE = spaceId('5a'.repeat(16));
const SUMMARY_BYTES = 95;
const SAMPLE = 5000;
const PAGES = 20;
const PAGE_NAMES = 1000;
const KILL_AFTER_MS = 1500;
/** As `holdfast up` starts a process that serves clients. */
const PROCESS_FLAGS = ['--max-semi-space-size=2'];
const PROCESS_ENVIRONMENT = {
  MALLOC_ARENA_MAX: '2',
  UV_THREADPOOL_SIZE: '16',
};

function nameOf(number: number): string {
  return `photos/2026/${String(number).padStart(10, '0')}.jpg`;
}

function keyOf(number: number): RecordKey {
  return recordKey(SPACE, recordKinds.object, indexShard(nameOf(number), SHARDS), nameOf(number));
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

class Filling {
  readonly #cluster: Cluster;
  readonly #content: Buffer;
  #written = 0;

  constructor(cluster: Cluster, contentBytes: number) {
    this.#cluster = cluster;
    this.#content = Buffer.alloc(contentBytes, 1);
  }

  async write(count: number): Promise<void> {
    const content = this.#content;
    const first = this.#written;
    const counted = { objects: 1, bytes: content.length };
    await inFlight(count, OUTSTANDING, (number) =>
      this.#cluster.records.mutate(keyOf(first + number), () => ({
        action: 'write',
        summary: Buffer.alloc(SUMMARY_BYTES, number),
        content,
        counted,
        result: undefined,
      })),
    );
    this.#written += count;
  }

  /** Writes up to so many objects, and says what each operation costs with that many. */
  async reach(objects: number): Promise<void> {
    await this.write(Math.max(0, objects - SAMPLE - this.#written));
    const write = await measured(() => this.write(objects - this.#written));
    const any = (): number => Math.floor(Math.random() * objects);
    const read = await measured(() =>
      inFlight(SAMPLE, OUTSTANDING, () => this.#cluster.records.read(keyOf(any()))),
    );
    const list = await measured(() => inFlight(PAGES, 1, () => this.#page(any())));
    const { now, anonymous, peak } = await residentMib();
    const each = [write, read].map(({ cpuMicroseconds }) => (cpuMicroseconds / SAMPLE).toFixed(0));
    const page = (list.cpuMicroseconds / PAGES / 1000).toFixed(1);
    print(
      `${objects} objects: CPU of a write ${each[0]} µs, of a read ${each[1]} µs, of a page of ${PAGE_NAMES} names ${page} ms; ` +
        `resident ${now} MiB, ${anonymous} without files, at the peak ${peak} MiB`,
    );
  }

  #page(from: number): Promise<unknown> {
    return this.#cluster.listings.list({
      space: SPACE,
      kind: recordKinds.object,
      shards: SHARDS,
      prefix: '',
      delimiter: '',
      start: { after: nameOf(from) },
      limit: PAGE_NAMES,
    });
  }
}

async function fill(folder: string, objects: number, contentBytes: number): Promise<never> {
  const { cluster } = await openStore(folder);
  const filling = new Filling(cluster, contentBytes);
  for (let size = 10_000; size < objects; size *= 10) await filling.reach(size);
  await filling.reach(objects);
  process.send?.('full');
  for (;;) await filling.write(SAMPLE);
}

async function open(folder: string): Promise<void> {
  const opened: { store?: Awaited<ReturnType<typeof openStore>> } = {};
  const opening = await measured(async () => {
    opened.store = await openStore(folder);
  });
  const { store } = opened;
  if (store === undefined) throw new Error('nothing was opened');
  const counting = await measured(() => Promise.all(store.devices.map((device) => device.counted())));
  const usages = await Promise.all(store.devices.map((device) => device.usage()));
  const records = usages.reduce((sum, usage) => sum + usage.records, 0);
  const logBytes = usages.reduce((sum, usage) => sum + usage.logBytes, 0);
  const { now, peak } = await residentMib();
  const seconds = ({ seconds, cpuMicroseconds }: typeof opening): string =>
    `${seconds.toFixed(1)} s (CPU ${(cpuMicroseconds / 1e6).toFixed(1)} s)`;
  print(
    `opened in ${seconds(opening)}, counted in ${seconds(counting)}: ${records} records and ${(logBytes / 2 ** 20).toFixed(0)} MiB of logs on ` +
      `${DEVICES} devices; resident ${now} MiB, at the peak ${peak} MiB`,
  );
  await store[Symbol.asyncDispose]();
}

/** This program again; resolves when it says 'full', or ends. */
async function start(role: readonly string[]): Promise<ChildProcess> {
  const child = fork(import.meta.filename, role, {
    execArgv: PROCESS_FLAGS,
    env: { ...PROCESS_ENVIRONMENT, ...process.env },
  });
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`ended with ${code}`))));
  });
  return child;
}

async function indexMib(folder: string): Promise<number> {
  let bytes = 0;
  for (let device = 0; device < DEVICES; device += 1) {
    const path = join(folder, `device-${device}`, 'index');
    for (const name of await readdir(path)) bytes += (await stat(join(path, name))).size;
  }
  return bytes / 2 ** 20;
}

async function run(folder: string, objects: number, contentBytes: number, rebuild: boolean): Promise<void> {
  const filling = await start(['fill', folder, String(objects), String(contentBytes)]);
  await delay(KILL_AFTER_MS);
  const ended = new Promise((resolve) => filling.once('exit', resolve));
  filling.kill('SIGKILL');
  await ended;
  print(`killed; the indexes have ${(await indexMib(folder)).toFixed(0)} MiB`);
  await start(['open', folder]);
  if (!rebuild) return;
  for (let device = 0; device < DEVICES; device += 1) {
    await rm(join(folder, `device-${device}`, 'index'), { recursive: true });
  }
  print('without indexes:');
  await start(['open', folder]);
}

const [role, path, ...rest] = process.argv.slice(2);
if (role === 'fill' && path !== undefined) await fill(path, Number(rest[0]), Number(rest[1]));
else if (role === 'open' && path !== undefined) await open(path);
else {
  const { values } = parseArgs({
    options: {
      objects: { type: 'string', default: '100000' },
      bytes: { type: 'string', default: '256' },
      folder: { type: 'string', default: tmpdir() },
      rebuild: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
    },
  });
  const folder = await mkdtemp(join(values.folder, 'holdfast-scale-'));
  try {
    await run(folder, Number(values.objects), Number(values.bytes), values.rebuild);
  } finally {
    if (values.keep) print(`kept in ${folder}`);
    else await rm(folder, { recursive: true });
  }
}
