/** The ring of a data directory: made at the first start, and told where its devices are at every other. */
import type { ClusterConfig } from '#common/config/cluster-config.ts';
import { HoldfastError } from '#common/errors.ts';
import type { DeviceId } from '#common/ids.ts';
import type { Files } from '#common/io/files.ts';
import type { Address } from '#common/io/network.ts';
import { RingBuilder } from '#ring/builder.ts';
import { loadBuilder, loadRing, ringPaths, saveRing } from '#ring/file/ring-files.ts';
import type { Ring, RingDevice } from '#ring/ring.ts';
import { createSingleHostRing } from '#ring/single-host-ring.ts';
import type { ClusterIdentity } from './cluster-identity.ts';
import { deviceAddress } from './role-plan.ts';

const REPLICAS = 3;

/** Ports may differ from start to start (portOffset, the number of processes): the ring follows them. */
export async function ensureRing(
  root: string,
  config: ClusterConfig,
  identity: ClusterIdentity,
  files: Files,
): Promise<Ring> {
  const paths = ringPaths(root);
  await files.makeDirectory(paths.folder);
  const lock = await files.lock(paths.lock);
  try {
    if (!(await files.exists(paths.builder))) return await firstRing(root, config, identity, files);
    const builder = await loadBuilder(files, paths.builder);
    if (builder.state.staged) return await standingRing(paths.ring, config, files);
    // Also when a crash came between the builder and its ring.
    const known = (await files.exists(paths.ring)) ? await loadRing(files, paths.ring) : undefined;
    const moved = readdressed(builder, deviceAddress(config, builder.state.devices.length));
    if (moved === undefined && known?.version === builder.state.version) return known;
    const next = moved ?? builder;
    await saveRing(files, root, next);
    return next.ring();
  } finally {
    await lock.release();
  }
}

async function firstRing(
  root: string,
  config: ClusterConfig,
  { devices, zones }: ClusterIdentity,
  files: Files,
): Promise<Ring> {
  const replicas = Math.min(REPLICAS, devices);
  const addressOf = deviceAddress(config, devices);
  const { builder, ring } = createSingleHostRing({ devices, zones, addressOf, replicas });
  await saveRing(files, root, builder);
  return ring;
}

/** Changes wait in the builder: the ring that stands goes on serving, if its devices are where they were. */
async function standingRing(ringFile: string, config: ClusterConfig, files: Files): Promise<Ring> {
  const ring = await loadRing(files, ringFile);
  const devices = ring.devices.filter((device) => device !== undefined);
  if (devices.every(isAt(deviceAddress(config, devices.length)))) return ring;
  throw new HoldfastError(
    'configuration-invalid',
    'ports have changed while changes of the ring wait: run `holdfast ring rebalance` or `holdfast ring revert` first',
  );
}

/** The builder with its devices at their present ports, or undefined when they are there already. */
export function readdressed(
  builder: RingBuilder,
  addressOf: (device: DeviceId) => Address,
): RingBuilder | undefined {
  const { state } = builder;
  if (state.devices.every(isAt(addressOf))) return undefined;
  const devices = state.devices.map((device) => ({ ...device, address: addressOf(device.id) }));
  // A new version, for readers compare versions; the members stay, so that no epoch rises.
  return new RingBuilder({ ...state, version: state.version + 1, devices });
}

function isAt(addressOf: (device: DeviceId) => Address): (device: RingDevice) => boolean {
  return ({ id, address }) => {
    const now = addressOf(id);
    return address.host === now.host && address.port === now.port;
  };
}
