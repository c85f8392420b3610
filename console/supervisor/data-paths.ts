/** Where everything is in a data directory (docs/formats/data-directory.md). */
import { join } from 'node:path';

export interface DataPaths {
  readonly root: string;
  readonly identity: string;
  readonly lock: string;
  readonly credentials: string;
  readonly adminEnv: string;
  readonly adminPassword: string;
  readonly clouds: string;
  readonly users: string;
  readonly clusterKey: string;
  readonly metricsToken: string;
  readonly ring: string;
  readonly devices: string;
  readonly controlStore: string;
  readonly run: string;
  readonly supervisor: string;
  readonly log: string;
}

export function dataPaths(root: string): DataPaths {
  return {
    root,
    identity: join(root, 'holdfast.json'),
    lock: join(root, 'lock'),
    credentials: join(root, 'credentials'),
    adminEnv: join(root, 'credentials', 'admin.env'),
    adminPassword: join(root, 'credentials', 'admin.password'),
    clouds: join(root, 'credentials', 'clouds.yaml'),
    users: join(root, 'credentials', 'users'),
    clusterKey: join(root, 'credentials', 'cluster.key'),
    metricsToken: join(root, 'credentials', 'metrics.token'),
    ring: join(root, 'ring'),
    devices: join(root, 'devices'),
    controlStore: join(root, 'control', 'store'),
    run: join(root, 'run'),
    supervisor: join(root, 'run', 'supervisor.json'),
    log: join(root, 'log'),
  };
}

export function devicePath(paths: DataPaths, devicePaths: readonly string[], device: number): string {
  return devicePaths[device] ?? join(paths.devices, `d${device}`);
}

export function processPaths(paths: DataPaths, name: string): { config: string; pid: string; log: string } {
  return {
    config: join(paths.run, `${name}.yaml`),
    pid: join(paths.run, `${name}.pid`),
    log: join(paths.log, `${name}.log`),
  };
}
