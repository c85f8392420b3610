/** Copies one control store to the other. */
import { type CommandIo, exitCodes } from '#common/command-line.ts';
import type { EtcdConfig } from '#common/config/etcd-config.ts';
import { HoldfastError } from '#common/errors.ts';
import { realClock } from '#common/io/real-clock.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import { ProcessBook } from '#control/membership/process-book.ts';
import { openEtcdStore } from '#control/store/etcd/etcd-store.ts';
import { openLevelStore } from '#control/store/level/open-level-store.ts';
import { migrateStore } from '#control/store/migration/migrate.ts';
import { readEtcdOptions } from '#control/store/open-store.ts';
import type { Store } from '#control/store/store.ts';
import { ProgressBar } from './progress-bar.ts';

export type Backend = 'level' | 'etcd';

export interface Migration {
  readonly from: Backend;
  readonly to: Backend;
  readonly path: string;
  readonly etcd: EtcdConfig;
}

export async function migrate({ from, to, path, etcd }: Migration, io: CommandIo): Promise<number> {
  const clock = realClock();
  const randomness = realRandomness();
  const open = async (backend: Backend): Promise<Store> =>
    backend === 'level'
      ? openLevelStore({ path, clock, randomness })
      : openEtcdStore(await readEtcdOptions(etcd), clock);
  const source = await open(from);
  try {
    // Who has a level store keeps others out; an etcd tells only by who is registered there.
    if (from === 'etcd' && (await new ProcessBook(source, clock).isAnyAlive()))
      throw new HoldfastError(
        'data-in-use',
        'processes are registered with the control store: stop every control role, and try again some seconds later',
      );
    const target = await open(to);
    const bar = new ProgressBar(io.err);
    try {
      const result = await migrateStore({
        source,
        target,
        clock,
        randomness,
        signal: io.signal,
        onProgress: ({ phase, done, total }) => bar.draw(phase, done, total),
      });
      bar.clear();
      io.out.write(
        result.wasDone
          ? 'the migration is done already; nothing was changed\n'
          : `${result.entries} entries are in ${to}: ${result.written} written, ${result.deleted} deleted, all checked\n`,
      );
      return exitCodes.ok;
    } finally {
      bar.clear();
      await target.close();
    }
  } finally {
    await source.close();
  }
}
