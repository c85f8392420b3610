/** Takes the hourly sums of earlier versions, which kept them in the control store, to the cluster. */
import type { Cluster } from '#cluster/cluster.ts';
import { isSpaceId, spaceId } from '#common/ids.ts';
import type { Logger } from '#common/log/logger.ts';
import { encodeRow, parseHour } from '../protocol/metering-record.ts';
import { prefixed } from '../store/key-range.ts';
import { entriesOf, remove } from '../store/operations.ts';
import type { Entry, Store } from '../store/store.ts';
import { decodeUsage, usageKey } from './hourly-usage.ts';

const PREFIX = 'metering/project/';
const ENTRIES_AT_ONCE = 64;

export interface MovingParts {
  readonly store: Store;
  readonly cluster: Pick<Cluster, 'records'>;
  readonly log: Logger;
}

/** A sum that the cluster has already is the newer one; what is no sum is logged, and stays. May be cut off anywhere. */
export async function moveSums({ store, cluster, log }: MovingParts, isOver: () => boolean): Promise<void> {
  let batch: Entry[] = [];
  const flush = async (): Promise<void> => {
    const moved = await Promise.all(batch.map((entry) => move(cluster, entry)));
    const gone = batch.filter((_, at) => moved[at] === true);
    for (const { key } of batch.filter((_, at) => moved[at] !== true))
      log.warn('an hourly sum cannot be read, and is left where it is', { key });
    batch = [];
    if (gone.length > 0) await store.transact({ then: gone.map(({ key }) => remove(key)) });
  };
  for await (const entry of entriesOf(store, prefixed(PREFIX))) {
    if (isOver()) return;
    batch.push(entry);
    if (batch.length === ENTRIES_AT_ONCE) await flush();
  }
  await flush();
}

/** Whether it is a sum. */
async function move({ records }: Pick<Cluster, 'records'>, { key, value }: Entry): Promise<boolean> {
  const [project = '', text = ''] = key.slice(PREFIX.length).split('/');
  const hour = parseHour(text)?.hour;
  const row = rowOf(value);
  if (!isSpaceId(project) || hour === undefined || row === undefined) return false;
  await records.mutate(usageKey(spaceId(project), hour), (current) =>
    current === undefined
      ? { action: 'write', ...row, result: undefined }
      : { action: 'keep', result: undefined },
  );
  return true;
}

function rowOf(value: Buffer): ReturnType<typeof encodeRow> | undefined {
  try {
    const row = encodeRow(Object(JSON.parse(value.toString())) as object);
    decodeUsage(row.summary);
    return row;
  } catch {
    return undefined;
  }
}
