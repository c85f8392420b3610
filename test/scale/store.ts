/** A whole store in the measuring process: four real devices, asked without a wire, as the role `node` has them. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { OpenCluster } from '#cluster/open-cluster.ts';
import { openCluster } from '#cluster/open-cluster.ts';
import { deviceId } from '#common/ids.ts';
import { realClock } from '#common/io/real-clock.ts';
import { realFiles } from '#common/io/real-files.ts';
import { realNetwork } from '#common/io/real-network.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import { createLogger } from '#common/log/logger.ts';
import { LiveRing } from '#ring/live-ring.ts';
import { createSingleHostRing } from '#ring/single-host-ring.ts';
import type { Device } from '#storage-node/engine/device.ts';
import { openDevice } from '#storage-node/engine/open-device.ts';
import { RunsBudget } from '#storage-node/engine/row-runs.ts';
import { DeviceService } from '#storage-node/server/device-service.ts';
import { StorageServer } from '#storage-node/server/storage-server.ts';

export const DEVICES = 4;
/** As in the storage role. */
const CACHES_BYTES = 32 * 1024 * 1024;
const RUNS_BYTES = 16 * 1024 * 1024;
const CLUSTER_KEY = Buffer.alloc(32, 7);

export interface Store extends AsyncDisposable {
  readonly cluster: OpenCluster;
  readonly devices: readonly Device[];
}

/** @param folder made when it is missing; the devices are in it. */
export async function openStore(folder: string): Promise<Store> {
  await mkdir(folder, { recursive: true });
  const shared = { files: realFiles(), clock: realClock(), randomness: realRandomness() };
  const runs = new RunsBudget(RUNS_BYTES);
  const open = (number: number): Promise<Device> =>
    openDevice({
      ...shared,
      path: join(folder, `device-${number}`),
      device: deviceId(number),
      reserveBytes: 0,
      memoryBytes: CACHES_BYTES / DEVICES,
      runs,
    });
  const devices = await Promise.all(Array.from({ length: DEVICES }, (_, number) => open(number)));
  const { ring } = createSingleHostRing({
    devices: DEVICES,
    zones: DEVICES,
    addressOf: () => ({ host: '127.0.0.1', port: 9 }),
  });
  const context = { ...shared, network: realNetwork(), clusterKey: CLUSTER_KEY, rings: new LiveRing(ring) };
  const log = createLogger({ level: 'error', form: 'json', nowMs: Date.now, sink: process.stderr });
  const services = devices.map(
    (device, number) => [number, new DeviceService(deviceId(number), device, shared.clock)] as const,
  );
  const { local } = new StorageServer({ ...context, log, devices: new Map(services) });
  const cluster = await openCluster({ ...context, local });
  return {
    cluster,
    devices,
    async [Symbol.asyncDispose]() {
      await cluster.close();
      await Promise.all(devices.map((device) => device.close()));
    },
  };
}
