/** Which devices a quorum may consist of, in any partition. */
import type { DeviceId } from '#common/ids.ts';
import type { Ring } from './ring.ts';

export function votersOf(ring: Ring): Set<DeviceId> {
  const voters = new Set<DeviceId>();
  for (let partition = 0; partition < 2 ** ring.partitionPower; partition++)
    for (const id of ring.voters(partition)) voters.add(id);
  return voters;
}
