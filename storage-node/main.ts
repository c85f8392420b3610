/** The storage role: opens this process's devices and serves them to the cluster. */
import { readClusterKey } from '#common/config/cluster-key.ts';
import type { RoleControl, RunningRole } from '#common/config/role-control.ts';
import type { StorageRoleConfig } from '#common/config/roles.ts';
import { realClock } from '#common/io/real-clock.ts';
import { realFiles } from '#common/io/real-files.ts';
import { realNetwork } from '#common/io/real-network.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import type { LocalNode } from './protocol/node-access.ts';
import type { Logger } from '#common/log/logger.ts';
import type { DeviceId } from '#common/ids.ts';
import { followRing } from '#ring/file/follow-ring.ts';
import { votersOf } from '#ring/voters-of.ts';
import type { DeviceEvent } from './engine/device-events.ts';
import { IDENTITY_FILE } from './engine/device-identity.ts';
import { openDevice } from './engine/open-device.ts';
import { RunsBudget } from './engine/row-runs.ts';
import { DeviceService } from './server/device-service.ts';
import { observeDevices } from './server/storage-metrics.ts';
import { StorageServer } from './server/storage-server.ts';

/** What the caches of all devices of a process may take; and beside them the rows that listings read. */
const CACHES_BYTES = 32 * 1024 * 1024;
const RUNS_BYTES = 16 * 1024 * 1024;

export interface RunningStorageRole extends RunningRole {
  /** The devices, for a role of the same process. */
  readonly local: LocalNode;
}

export async function runStorageRole(
  config: StorageRoleConfig,
  control: RoleControl,
): Promise<RunningStorageRole> {
  const files = realFiles();
  const clock = realClock();
  const randomness = realRandomness();
  const { log } = control;
  const [clusterKey, rings] = await Promise.all([
    readClusterKey(config.clusterKeyFile),
    followRing({
      files,
      clock,
      path: config.ringFile,
      report: (problem) => log.warn('the ring', { problem }),
    }),
  ]);
  const runs = new RunsBudget(RUNS_BYTES);
  const open = async (
    { id, path }: StorageRoleConfig['devices'][number],
    devicesHere: number,
  ): Promise<DeviceService> => {
    const deviceLog = log.child({ device: id });
    const engine = await openDevice({
      path,
      device: id,
      files,
      clock,
      randomness,
      reserveBytes: config.reserveBytes,
      memoryBytes: CACHES_BYTES / Math.max(1, devicesHere),
      runs,
      ...(config.segmentBytes === undefined ? {} : { segmentBytes: config.segmentBytes }),
      ...(config.compactionSeconds === undefined
        ? {}
        : { compactionIntervalMs: config.compactionSeconds * 1000 }),
      report: (event) => reportEvent(deviceLog, event),
    });
    return new DeviceService(id, engine, clock);
  };
  const devices = new Map<number, DeviceService>();
  /** Those that are not open yet, but for disks that are not where they were. */
  const openAll = async (wanted: StorageRoleConfig['devices']): Promise<void> => {
    const voters = config.newVoters ? new Set<DeviceId>() : votersOf(rings.current);
    await Promise.all(
      wanted.map(async (device) => {
        if (devices.has(device.id)) return;
        if (voters.has(device.id) && !(await files.exists(`${device.path}/${IDENTITY_FILE}`)))
          log.error('a device has lost its disk', {
            device: device.id,
            path: device.path,
            missing: IDENTITY_FILE,
          });
        else devices.set(device.id, await open(device, wanted.length));
      }),
    );
  };
  await openAll(config.devices);
  if (control.metrics !== undefined) observeDevices(control.metrics, () => [...devices.values()]);
  const network = realNetwork();
  const server = new StorageServer({ network, clock, randomness, log, clusterKey, rings, devices });
  const address = await server.listen(config.listen);
  return {
    ports: [address.port],
    local: server.local,
    async status() {
      return {
        ringVersion: rings.current.version,
        devices: await Promise.all(
          [...devices.values()].map(async ({ id, engine }) => ({ id, ...(await engine.usage()) })),
        ),
      };
    },
    lookForRing: () => rings.look(),
    async serveDevices(wanted) {
      await openAll(wanted);
      for (const [id, { engine }] of devices) {
        if (wanted.some((device) => device.id === id)) continue;
        devices.delete(id);
        await engine.close();
      }
    },
    async close() {
      rings.close();
      await server.close();
      await Promise.all([...devices.values()].map(({ engine }) => engine.close()));
    },
  };
}

/** Damage and failures are an operator's business; the rest is what a device does in its day. */
const LEVELS: Record<DeviceEvent['type'], 'info' | 'warn' | 'error'> = {
  'data-corrupt': 'error',
  'device-failed': 'error',
  'log-tail-cut': 'info',
  'index-rebuilt': 'warn',
  'segment-compacted': 'info',
  'compaction-failed': 'warn',
  full: 'warn',
  'no-longer-full': 'info',
};

function reportEvent(log: Logger, event: DeviceEvent): void {
  const { type, ...fields } = event;
  log[LEVELS[type]](type, fields);
}
