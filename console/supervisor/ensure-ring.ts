/** The ring of a data directory: made at the first start, and told where its devices are at every other. */
import type { ClusterConfig } from '#common/config/cluster-config.ts';
import type { RoleConfig } from '#common/config/role-config.ts';
import type { DeviceId } from '#common/ids.ts';
import { HoldfastError } from '#common/errors.ts';
import type { Files } from '#common/io/files.ts';
import type { Address } from '#common/io/network.ts';
import { whileLocked } from '#common/io/while-locked.ts';
import { RingBuilder } from '#ring/builder.ts';
import { loadBuilder, loadRing, ringPaths, saveRing } from '#ring/file/ring-files.ts';
import { leavingAfter, standingTable } from '#ring/moves.ts';
import type { Ring, RingDevice } from '#ring/ring.ts';
import { createSingleHostRing } from '#ring/single-host-ring.ts';
import { ringOf } from '#ring/table-ring.ts';
import type { ClusterIdentity } from './cluster-identity.ts';
import { addressesOf, deviceAddress } from './role-plan.ts';

const REPLICAS = 3;

export interface StandingRing {
  readonly ring: Ring;
  /** Devices of it that were removed: nothing new is put there, and they may be gone. */
  readonly leaving: readonly DeviceId[];
}

/** Ports may differ from start to start (portOffset, the number of processes): the ring follows them. */
export async function ensureRing(
  root: string,
  config: ClusterConfig,
  identity: ClusterIdentity,
  { files, isNew }: { readonly files: Files; readonly isNew: boolean },
): Promise<StandingRing> {
  const paths = ringPaths(root);
  await files.makeDirectory(paths.folder);
  return await whileLocked(files, paths.lock, async () => {
    if (!(await files.exists(paths.builder)))
      return { ring: await firstRing(root, config, identity, files), leaving: [] };
    const builder = await loadBuilder(files, paths.builder);
    // A first start that was given other numbers did not come to its end.
    if (isNew && !isFor(builder, identity))
      return { ring: await firstRing(root, config, identity, files), leaving: [] };
    // Also when a crash came between the builder and its ring.
    const known = (await files.exists(paths.ring)) ? await loadRing(files, paths.ring) : undefined;
    if (known !== undefined && known.version > builder.state.version)
      throw new HoldfastError('configuration-invalid', newerRing(paths.builder, known.version, builder));
    const moved = readdressed(builder, deviceAddress(config, standingDevices(builder).length));
    const next = moved ?? builder;
    const leaving = leavingAfter(next.state).map(({ id }) => id);
    if (moved === undefined && known?.version === builder.state.version) return { ring: known, leaving };
    await saveRing(files, root, next);
    return { ring: ringOf(standingTable(next.state)), leaving };
  });
}

function isFor({ state }: RingBuilder, { devices, zones }: ClusterIdentity): boolean {
  return state.devices.length === devices && new Set(state.devices.map(({ zone }) => zone)).size === zones;
}

/** The builder is written first, so that no crash leaves it behind its ring. */
function newerRing(path: string, version: number, { state }: RingBuilder): string {
  return `${path} is of version ${state.version}, and its ring of version ${version}: is it an old copy? Put back the one that made the ring`;
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

/** The builder with its devices at their present ports, or undefined when they are there already. */
export function readdressed(
  builder: RingBuilder,
  addressOf: (device: DeviceId) => Address,
): RingBuilder | undefined {
  const { state } = builder;
  const here = (devices: readonly RingDevice[]): RingDevice[] =>
    devices.map((device) => ({ ...device, address: addressOf(device.id) }));
  const all = [...state.devices, ...state.balanced, ...state.leaving];
  if (all.every(isAt(addressOf))) return undefined;
  const [devices, balanced, leaving] = [here(state.devices), here(state.balanced), here(state.leaving)];
  // A new version, for readers compare versions; the members stay, so that no epoch rises.
  return new RingBuilder({ ...state, version: state.version + 1, devices, balanced, leaving });
}

/** Puts devices that have joined a running cluster where they are served: whoever added them need not know. */
export async function followAddresses(
  root: string,
  files: Files,
  plan: readonly RoleConfig[],
): Promise<void> {
  const addresses = addressesOf(plan);
  const builder = await loadBuilder(files, ringPaths(root).builder);
  const wrong = standingDevices(builder).filter(({ id, address }) => {
    const at = addresses.get(id);
    return at !== undefined && (at.host !== address.host || at.port !== address.port);
  });
  if (wrong.length === 0) return;
  await whileLocked(files, ringPaths(root).lock, async () => {
    const latest = await loadBuilder(files, ringPaths(root).builder);
    const known = new Map(
      [...latest.state.devices, ...standingDevices(latest)].map(({ id, address }) => [id, address]),
    );
    const at = (id: DeviceId): Address => addresses.get(id) ?? (known.get(id) as Address);
    const moved = readdressed(latest, at);
    if (moved !== undefined) await saveRing(files, root, moved);
  });
}

/** The devices of the ring that stands. */
export function standingDevices(builder: RingBuilder): readonly RingDevice[] {
  return standingTable(builder.state).devices;
}

function isAt(addressOf: (device: DeviceId) => Address): (device: RingDevice) => boolean {
  return ({ id, address }) => {
    const now = addressOf(id);
    return address.host === now.host && address.port === now.port;
  };
}
