/** Goes over the rows of one device: reclaims tombstones, and finishes what a crash left of uploads. */
import { TICKS_PER_MS, ballotTimeMs } from '#common/ballot.ts';
import { recordKinds } from '#common/codec/record-key.ts';
import type { DeviceId } from '#common/ids.ts';
import type { WalkedRow } from '#cluster/upkeep/upkeep.ts';
import { clearCompleted, removeOrphanPart } from './upload-remains.ts';
import type { SweepContext, SweepFigures } from './sweep-context.ts';

const KIND_AT = 16;
const KINDS = [recordKinds.part, recordKinds.upload];

/** Goes on at `from`, and returns where the next page begins; undefined at the end of the device. */
export async function sweepRows(
  context: SweepContext,
  device: DeviceId,
  from: Buffer,
  figures: SweepFigures,
): Promise<Buffer | undefined> {
  const { upkeep, clock, settings } = context;
  const nowMs = clock.nowMs();
  const youngestMs = nowMs - Math.min(settings.reclaimMs, upkeep.graceMs);
  const page = await upkeep.walk(device, from, Math.max(0, youngestMs * TICKS_PER_MS), KINDS);
  for (const row of page.rows) {
    try {
      await sweepRow(context, row, nowMs - ballotTimeMs(row.ballot), figures);
    } catch {
      // The next pass comes by again.
      figures.failures += 1;
    }
  }
  return page.next;
}

async function sweepRow(
  context: SweepContext,
  row: WalkedRow,
  ageMs: number,
  figures: SweepFigures,
): Promise<void> {
  const { cluster, upkeep, settings } = context;
  if (!row.live) {
    figures.tombstones += 1;
    if (ageMs < settings.reclaimMs) return;
    if (await upkeep.reclaim(row.key, row.ballot)) figures.reclaimedTombstones += 1;
  } else if (ageMs >= upkeep.graceMs) {
    const kind = row.key[KIND_AT];
    if (kind === recordKinds.part && (await removeOrphanPart(context, row.key))) figures.sweptParts += 1;
    if (kind === recordKinds.upload && (await clearCompleted(cluster, row.key))) figures.closedUploads += 1;
  }
}
