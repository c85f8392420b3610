/** Makes sums and counts again from the rows of an index that may have lost some of either: docs/formats/index.md, "Sums". */
import { SHARD_PREFIX_BYTES } from '#common/codec/record-key.ts';
import { decodeRow } from './index-row.ts';
import { RecordCounts } from './record-counts.ts';
import type { IndexWrite, RecordIndex } from './record-index.ts';
import { RunningSums } from './shard-sums.ts';

const SHARDS_AT_ONCE = 1000;

/**
 * @param newestSegment of the log: what purges it and those before it have is not known any more.
 * Throws `data-corrupt` when a row is damaged. Nothing else may use the index meanwhile.
 */
export async function remakeTotals(index: RecordIndex, newestSegment: number): Promise<void> {
  await index.removeTotals();
  const counts = new RecordCounts();
  counts.forgetPurgesBelow(newestSegment + 1);
  let shard = Buffer.alloc(0);
  let sums = new RunningSums();
  let writes: IndexWrite[] = [];
  const end = (): void => {
    if (shard.length > 0) writes.push({ key: shard, value: sums.encode() });
  };
  for await (const page of index.entries()) {
    for (const [key, bytes] of page) {
      // Rows come in order of keys: a shard's stand together.
      const own = key.subarray(0, SHARD_PREFIX_BYTES);
      if (!own.equals(shard)) {
        end();
        shard = Buffer.from(own);
        sums = new RunningSums();
      }
      const row = decodeRow(bytes);
      sums.add(key, row);
      counts.add(row);
    }
    if (writes.length < SHARDS_AT_ONCE) continue;
    await index.write([], writes, []);
    writes = [];
  }
  end();
  await index.write([], writes, counts.take());
}
