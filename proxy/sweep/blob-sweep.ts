/** Removes the stripes of one device that nothing refers to. */
import type { Cluster } from '#cluster/cluster.ts';
import type { ListedBlob } from '#cluster/upkeep/upkeep.ts';
import type { BlobId, DeviceId } from '#common/ids.ts';
import { stripeIsReferenced } from '#proxy/objects/stripe-reference.ts';
import type { SweepContext, SweepFigures } from './sweep-context.ts';

/** Between the two looks at a stripe, so that a version that moves from one record to another is in one of them. */
const SECOND_LOOK_MS_MAX = 1000;

/** Goes on behind `after`, and returns where the next page begins; undefined at the end of the device. */
export async function sweepBlobs(
  context: SweepContext,
  device: DeviceId,
  after: BlobId | undefined,
  figures: SweepFigures,
): Promise<BlobId | undefined> {
  const { upkeep, clock } = context;
  const page = await upkeep.listBlobs(device, after);
  // Each time: a process that has started since is alive, too.
  const writers = await upkeep.livingWriters();
  const oldestMs = clock.nowMs() - upkeep.graceMs;
  const doubtful: ListedBlob[] = [];
  // A large object's stripes stand on every device: its record is read once a page.
  const remembering = rememberingReads(context.cluster);
  for (const blob of page.blobs) {
    figures.blobs += 1;
    if (blob.createdMs >= oldestMs || !writers.maySweep(blob.id)) continue;
    if (!(await isReferenced(remembering, blob, figures))) doubtful.push(blob);
  }
  if (doubtful.length > 0) {
    await new Promise<void>((resolve) =>
      clock.after(Math.min(SECOND_LOOK_MS_MAX, upkeep.graceMs / 4), resolve),
    );
    for (const blob of doubtful) await sweepBlob(context, blob, figures);
  }
  return page.more ? page.blobs.at(-1)?.id : undefined;
}

async function sweepBlob(context: SweepContext, blob: ListedBlob, figures: SweepFigures): Promise<void> {
  // Asked anew: what was remembered is older than what may have been written since.
  if (await isReferenced(context.cluster, blob, figures)) return;
  const gone = await context.upkeep.deleteBlob(blob.id);
  if (!gone) figures.failures += 1;
  figures.sweptBlobs += 1;
  figures.sweptBytes += blob.lengthBytes;
}

/** True when that can't be told. */
async function isReferenced(cluster: Cluster, blob: ListedBlob, figures: SweepFigures): Promise<boolean> {
  try {
    return await stripeIsReferenced(cluster, blob.owner, blob.id);
  } catch {
    figures.failures += 1;
    return true;
  }
}

/** The same cluster, whose records are read once. */
function rememberingReads(cluster: Cluster): Cluster {
  const { records, listings, bodies } = cluster;
  const known = new Map<string, ReturnType<Cluster['records']['read']>>();
  return {
    listings,
    bodies,
    records: {
      mutate: (key, decide) => records.mutate(key, decide),
      read: (key) => {
        const name = key.toString('latin1');
        const reading = known.get(name) ?? records.read(key);
        known.set(name, reading);
        return reading;
      },
    },
  };
}
