/** Gives one device a blob that it missed, or whose copy there is damaged, from a member that has it whole. */
import { HoldfastError, hasCode } from '#common/errors.ts';
import type { BlobId, DeviceId } from '#common/ids.ts';
import { WINDOW_BYTES, encodeBlobDelete } from '#storage-node/protocol/messages/blob.ts';
import { type ListedBlob, encodeListBlobs } from '#storage-node/protocol/messages/list-blobs.ts';
import { placeBlob } from '../context.ts';
import { askNode } from '../rebalance/ask-node.ts';
import { copyBlobs } from '../rebalance/copy-blobs.ts';
import type { CopyContext } from '../rebalance/copy-records.ts';

/** A device that gives nothing for so long is looked at another time. */
const STALL_MS_MAX = 10_000;

export type BlobRepairContext = CopyContext;

/** Whether anything was done. Throws what keeps it from being done now. */
export async function repairBlob(context: BlobRepairContext, device: DeviceId, id: BlobId): Promise<boolean> {
  const { cluster } = context;
  const { route, members, devices } = placeBlob(cluster, id);
  if (!devices.includes(device)) return false;
  const own = await find(context, device, id);
  if (own !== undefined && (await isWhole(context, device, own))) return false;
  const others = members.filter((member) => member !== device);
  const source = await sourceOf(context, others, id);
  // It was removed; or no copy is whole, and a damaged one is better than none.
  if (source === undefined) return false;
  // What is damaged goes only when there is what takes its place.
  await askNode(cluster, device, encodeBlobDelete({ route, id }), 'blobDeleted');
  const path = { route, sources: [source], target: device, isJoint: false };
  const { blobs: copied } = await copyBlobs(context, path, new Map([[id, [source]]]));
  return copied > 0;
}

/** A member that has it whole; undefined when none has. Throws when one that may have it does not answer, and no other has. */
async function sourceOf(
  context: BlobRepairContext,
  members: readonly DeviceId[],
  id: BlobId,
): Promise<DeviceId | undefined> {
  let failure: unknown;
  for (const member of members) {
    try {
      const blob = await find(context, member, id);
      if (blob !== undefined && (await isWhole(context, member, blob))) return member;
    } catch (error) {
      failure = error;
    }
  }
  if (failure !== undefined) throw failure;
  return undefined;
}

/** What a device says of a blob; undefined when it has none, or one whose end is damaged. Throws what it answers. */
async function find(
  { cluster }: BlobRepairContext,
  member: DeviceId,
  id: BlobId,
): Promise<ListedBlob | undefined> {
  const number = BigInt(`0x${id}`);
  const after = number === 0n ? undefined : ((number - 1n).toString(16).padStart(32, '0') as BlobId);
  const message = encodeListBlobs({ type: 'listBlobs', after, limit: 1 });
  const { blobs } = await askNode(cluster, member, message, 'blobs');
  const blob = blobs[0];
  return blob?.id === id ? blob : undefined;
}

/** Reads all of it: every block is verified by the device. Throws when that cannot be told. */
function isWhole(
  { cluster, throttle, signal }: BlobRepairContext,
  device: DeviceId,
  { id, lengthBytes }: ListedBlob,
): Promise<boolean> {
  const { route } = placeBlob(cluster, id);
  const read = { route, id, start: 0, end: lengthBytes, windowBytes: WINDOW_BYTES };
  if (lengthBytes === 0) return Promise.resolve(true);
  const { clock } = cluster;
  let progressMs = clock.monotonicMs();
  let held = 0;
  return new Promise<boolean>((resolve, reject) => {
    const end = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', giveUp);
    };
    const giveUp = (): void => {
      end();
      download.cancel();
      reject(new HoldfastError('peer-unavailable', 'the reading of a blob has stalled, or been ended'));
    };
    const watch = (): void => {
      if (held === 0 && clock.monotonicMs() - progressMs >= STALL_MS_MAX) giveUp();
      else timer = clock.after(STALL_MS_MAX, watch);
    };
    let timer = clock.after(STALL_MS_MAX, watch);
    signal.addEventListener('abort', giveUp);
    const download = cluster.nodes.client(device, 'bulk').download(device, read, {
      data: (chunk) => {
        held += 1;
        void throttle.spend(chunk.length).then(() => {
          held -= 1;
          progressMs = clock.monotonicMs();
          download.release(chunk);
        });
      },
      ended: () => {
        end();
        resolve(true);
      },
      failed: (error: HoldfastError) => {
        end();
        if (hasCode(error, 'data-corrupt') || hasCode(error, 'blob-missing')) resolve(false);
        else reject(error);
      },
    });
  });
}
