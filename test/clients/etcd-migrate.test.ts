/** `holdfast control migrate`, killed on its way, from files to Debian's etcd and back. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hasCode } from '#common/errors.ts';
import { realClock } from '#common/io/real-clock.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import { openEtcdStore } from '#control/store/etcd/etcd-store.ts';
import { everything } from '#control/store/key-range.ts';
import { openLevelStore } from '#control/store/level/open-level-store.ts';
import { refuseHalfMigrated } from '#control/store/migration/migration-mark.ts';
import { put } from '#control/store/operations.ts';
import type { Store } from '#control/store/store.ts';
import { CuttableLine } from './cuttable-line.ts';
import { RunningEtcd } from './running-etcd.ts';

const LAUNCHER = fileURLToPath(new URL('../../holdfast', import.meta.url));
const ENTRIES = 6000;
const SILENT_AFTER_BYTES = 100_000;

const open = (data: string): Promise<Store> =>
  openLevelStore({ path: join(data, 'control', 'store'), clock: realClock(), randomness: realRandomness() });

async function contents(store: Store): Promise<Map<string, string>> {
  const { entries } = await store.range(everything);
  const kept = entries.filter(({ key }) => !key.startsWith('migration/'));
  return new Map(kept.map(({ key, value }) => [key, value.toString()]));
}

/** @param killWhen asked every 10 ms; once it says so the command is killed. */
async function migrate(
  args: readonly string[],
  killWhen: () => Promise<boolean> = () => Promise.resolve(false),
): Promise<{ code: number | null; text: string }> {
  const child = spawn(LAUNCHER, ['control', 'migrate', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
  const ended = once(child, 'close');
  while (child.exitCode === null && child.signalCode === null) {
    if (await killWhen()) child.kill('SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await ended;
  return { code: child.exitCode, text };
}

test('a migration to etcd is killed, refused while unfinished, finished, repeated, and made back', {
  timeout: 120_000,
}, async (context) => {
  const etcd = await RunningEtcd.start(1);
  context.after(() => etcd.stop());
  const data = await mkdtemp(join(tmpdir(), 'holdfast-migrate-'));
  context.after(() => rm(data, { recursive: true }));
  const back = await mkdtemp(join(tmpdir(), 'holdfast-migrate-back-'));
  context.after(() => rm(back, { recursive: true }));
  const target = openEtcdStore({ endpoints: etcd.endpoints }, realClock());
  context.after(() => target.close());

  const source = await open(data);
  for (let group = 0; group < ENTRIES / 100; group += 1)
    await source.transact({
      then: Array.from({ length: 100 }, (_, at) => put(`k/${group}/${at}`, Buffer.from(`${group} ${at}`))),
    });
  const wanted = await contents(source);
  const args = ['--from', 'level', '--to', 'etcd', '--endpoints', etcd.endpoints.join(','), '--data', data];

  const running = await migrate(args);
  assert.equal(running.code, 3, running.text);
  assert.match(running.text, /cannot be opened/);
  await source.close();

  // Over a line that falls silent in the middle, so that there is one, however fast both are.
  const copied = async (): Promise<number> => (await target.range(everything)).entries.length;
  const line = await CuttableLine.open(etcd.ports[0] as number, SILENT_AFTER_BYTES);
  context.after(() => line.close());
  const through = args.with(args.indexOf('--endpoints') + 1, `127.0.0.1:${line.port}`);
  const killed = await migrate(through, async () => line.isSilent);
  assert.equal(killed.code, null, killed.text);
  assert.ok((await copied()) < ENTRIES, 'it was killed too late to tell anything');
  await assert.rejects(refuseHalfMigrated(target), (error) => hasCode(error, 'data-in-use'));

  const finished = await migrate(args);
  assert.equal(finished.code, 0, finished.text);
  assert.match(finished.text, new RegExp(`${ENTRIES} entries are in etcd`));
  assert.deepEqual(await contents(target), wanted);
  await refuseHalfMigrated(target);
  assert.match((await migrate(args)).text, /done already/);

  const reversed = [
    '--from',
    'etcd',
    '--to',
    'level',
    '--endpoints',
    etcd.endpoints.join(','),
    '--data',
    back,
  ];
  assert.equal((await migrate(reversed)).code, 0);
  const again = await open(back);
  assert.deepEqual(await contents(again), wanted);
  await again.close();
});
