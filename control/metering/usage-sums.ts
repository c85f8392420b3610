/** The hourly sums in the cluster: docs/formats/metering-record.md, "Hourly sums". */
import type { Cluster } from '#cluster/cluster.ts';
import type { SpaceId } from '#common/ids.ts';
import { encodeRow, type Hour, laterHour } from '../protocol/metering-record.ts';
import { decodeUsage, holdsNothing, type HourlyUsage, isUnused, usageKey } from './hourly-usage.ts';

const KNOWN_MAX = 100_000;

export class UsageSums {
  readonly #cluster: Pick<Cluster, 'records'>;
  /** As they were when they were last gone over: most have not changed since. */
  readonly #known = new Map<string, string>();

  constructor(cluster: Pick<Cluster, 'records'>) {
    this.#cluster = cluster;
  }

  /** Looks at each again: another control role may have written an older one over it. */
  forget(): void {
    this.#known.clear();
  }

  async read(account: SpaceId, hour: Hour): Promise<HourlyUsage | undefined> {
    const record = await this.#cluster.records.read(usageKey(account, hour));
    return record === undefined ? undefined : decodeUsage(record.summary);
  }

  /** An hour without use gets none, but the first one in which nothing is held any more. */
  async write(account: SpaceId, hour: Hour, usage: HourlyUsage): Promise<void> {
    const name = `${account}/${hour}`;
    const row = encodeRow(usage);
    const text = row.summary.toString();
    if (this.#known.get(name) === text) return;
    const isNeeded = !isUnused(usage) || (usage.sampleAgeHours !== null && (await this.#held(account, hour)));
    await this.#cluster.records.mutate(usageKey(account, hour), (current) => {
      const stands = current === undefined ? !isNeeded : current.summary.equals(row.summary);
      return stands ? { action: 'keep', result: undefined } : { action: 'write', ...row, result: undefined };
    });
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.set(name, text);
  }

  /** Whether the hour before it held something. */
  async #held(account: SpaceId, hour: Hour): Promise<boolean> {
    const before = await this.read(account, laterHour(hour, -1));
    return before !== undefined && !holdsNothing(before);
  }
}
