/** Takes the hourly sums of earlier versions, which kept them in the control store, to the cluster. */
import type { Cluster } from '#cluster/cluster.ts';
import { isSpaceId, spaceId } from '#common/ids.ts';
import { encodeRow, parseHour } from '../protocol/metering-record.ts';
import { prefixed } from '../store/key-range.ts';
import { remove } from '../store/operations.ts';
import type { Entry, Store } from '../store/store.ts';
import { usageKey } from './hourly-usage.ts';

const PREFIX = 'metering/project/';
const ENTRIES_AT_ONCE = 64;

/** A sum that the cluster has already is the newer one. May be cut off anywhere. */
export async function moveSums(
  store: Store,
  cluster: Pick<Cluster, 'records'>,
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    const { entries } = await store.range(prefixed(PREFIX), { limit: ENTRIES_AT_ONCE });
    if (entries.length === 0) return;
    await Promise.all(entries.map((entry) => move(cluster, entry)));
    await store.transact({ then: entries.map(({ key }) => remove(key)) });
  }
}

async function move({ records }: Pick<Cluster, 'records'>, { key, value }: Entry): Promise<void> {
  const [project = '', text = ''] = key.slice(PREFIX.length).split('/');
  const hour = parseHour(text)?.hour;
  if (!isSpaceId(project) || hour === undefined) return;
  const row = encodeRow(JSON.parse(value.toString()) as object);
  await records.mutate(usageKey(spaceId(project), hour), (current) =>
    current === undefined
      ? { action: 'write', ...row, result: undefined }
      : { action: 'keep', result: undefined },
  );
}
