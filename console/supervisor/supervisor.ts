/** A whole cluster on one machine: its data directory, its processes, its control API. */
import { rmSync, writeFileSync } from 'node:fs';
import type { ClusterConfig } from '#common/config/cluster-config.ts';
import type { ListenHandle } from '#common/config/role-control.ts';
import { type RoleConfig, roleConfigText } from '#common/config/role-config.ts';
import { metricsToken } from '#common/metrics/metrics-server.ts';
import { loadBuilder, loadRing, ringPaths } from '#ring/file/ring-files.ts';
import { leavingAfter } from '#ring/moves.ts';
import type { Ring } from '#ring/ring.ts';
import { controlToken } from './cluster-key.ts';
import {
  type ClusterStatus,
  countPartitions,
  devicesIn,
  deviceStatuses,
  isServing,
  type ProcessStatus,
  servicesIn,
} from './cluster-status.ts';
import { type ControlServer, startControlServer } from './control-server.ts';
import { type DataContext, type OpenData, openDataDirectory } from './data-directory.ts';
import { devicePath, processPaths } from './data-paths.ts';
import { devicesToServe } from './device-folders.ts';
import { followAddresses } from './ensure-ring.ts';
import { PartitionMover } from './partition-mover.ts';
import { planControl } from './control-plan.ts';
import { replacePrivateFile } from './private-file.ts';
import {
  controlAddress,
  devicesOfRole,
  feedAddress,
  objectsAddress,
  planProcesses,
  servesClients,
  servesDevices,
  statusAddress,
  withDevices,
  metricsAddress,
} from './role-plan.ts';
import { RoleProcess } from './role-process.ts';
import { RotatingFile } from './rotating-file.ts';
import { bindListener, type SharedListener } from './shared-listener.ts';
import { reachableHost } from './shell-env.ts';
import { endStaleProcesses } from './stale-processes.ts';

export interface SupervisorContext extends DataContext {
  readonly version: string;
  /** Told what a person should see: deaths, restarts, waits. One sentence each. */
  readonly report: (event: string) => void;
}

export class Supervisor {
  readonly data: OpenData;
  readonly #config: ClusterConfig;
  readonly #context: SupervisorContext;
  readonly #startedMs: number;
  #plan: readonly RoleConfig[] = [];
  #processes: readonly RoleProcess[] = [];
  #listener: SharedListener | undefined;
  #controlListener: SharedListener | undefined;
  #control: ControlServer | undefined;
  #mover: PartitionMover | undefined;
  #isReady = false;

  private constructor(config: ClusterConfig, context: SupervisorContext, data: OpenData) {
    this.#config = config;
    this.#context = context;
    this.data = data;
    this.#startedMs = context.nowMs();
  }

  /** Resolves when every process serves; on any failure stops what had started, then throws. */
  static async start(config: ClusterConfig, context: SupervisorContext): Promise<Supervisor> {
    const data = await openDataDirectory(config, context);
    const supervisor = new Supervisor(config, context, data);
    try {
      await supervisor.#start();
      return supervisor;
    } catch (error) {
      await supervisor.stop();
      throw error;
    }
  }

  get endpoints(): ClusterStatus['endpoints'] {
    const url = (address: { host: string; port: number }) =>
      `http://${reachableHost(address)}:${address.port}`;
    return { objects: url(objectsAddress(this.#config)), control: url(controlAddress(this.#config)) };
  }

  get processes(): readonly RoleProcess[] {
    return this.#processes;
  }

  async #start(): Promise<void> {
    const { paths, identity, clusterKey, devices } = this.data;
    await endStaleProcesses(paths, this.#context.report);
    const control = statusAddress(this.#config);
    this.#listener = await bindListener(objectsAddress(this.#config));
    this.#controlListener = await bindListener(controlAddress(this.#config));
    this.#control = await startControlServer({
      listen: control,
      token: controlToken(clusterKey),
      isReady: () => this.#isReady,
      status: () => this.status(),
    });
    replacePrivateFile(paths.metricsToken, `${metricsToken(clusterKey)}\n`);
    replacePrivateFile(paths.supervisor, `${JSON.stringify({ pid: process.pid, control })}\n`);
    this.#plan = [
      ...planProcesses(this.#config, identity, paths, devices),
      planControl(this.#config, paths, this.data.adminAccount),
    ].map((role, place) => ({
      ...role,
      ...metricsAddress(this.#config, place),
      membership: feedAddress(this.#config),
    }));
    this.#processes = this.#plan.map((role) => this.#process(role));
    // All at once: a proxy waits for nobody, and every process takes most of its start to load.
    await Promise.all(this.#processes.map((process) => process.start()));
    this.#mover = await PartitionMover.start({
      root: paths.root,
      clusterKey,
      ringChanged: (ring) => this.#followRing(ring),
      report: (problem) => this.#context.report(`moving partitions: ${problem}`),
    });
    this.#isReady = true;
  }

  /** Devices that have joined the ring are served, those that have left it are not, by the processes that there are. */
  async #followRing(ring: Ring): Promise<void> {
    const { paths, identity } = this.data;
    const pathOf = (id: number): string => devicePath(paths, identity.devicePaths, id);
    const builder = await loadBuilder(this.#context.files, ringPaths(paths.root).builder);
    const leaving = leavingAfter(builder.state).map(({ id }) => id);
    const next = withDevices(this.#plan, devicesToServe({ ring, leaving }, pathOf), pathOf);
    for (const [index, role] of next.entries()) {
      if (role === this.#plan[index]) continue;
      writeFileSync(processPaths(paths, role.config.name).config, roleConfigText(role), { mode: 0o640 });
      this.#processes[index]?.tellDevices();
    }
    this.#plan = next;
    await followAddresses(paths.root, this.#context.files, next);
  }

  #process(role: RoleConfig): RoleProcess {
    const { name } = role.config;
    const { config, pid, log } = processPaths(this.data.paths, name);
    writeFileSync(config, roleConfigText(role), { mode: 0o640 });
    return new RoleProcess({
      role: role.role,
      name,
      configFile: config,
      pidFile: pid,
      log: new RotatingFile(log),
      report: this.#context.report,
      ...this.#listenerOf(role),
    });
  }

  /** The socket on which a process accepts, when this one holds it. */
  #listenerOf({ role }: RoleConfig): { listener?: ListenHandle } {
    const listener = role === 'control' ? this.#controlListener : this.#listener;
    return role === 'storage' || listener === undefined ? {} : { listener: listener.handle };
  }

  /** Proxies first, so that no request meets a store that is gone; then storage. Resolves when nothing is left. */
  async stop(): Promise<void> {
    this.#isReady = false;
    await this.#mover?.close();
    const stop = (processes: readonly RoleProcess[]) =>
      Promise.all(processes.map((process) => process.stop()));
    await stop(this.#processes.filter(servesClients));
    this.#listener?.close();
    this.#controlListener?.close();
    await stop(this.#processes.filter((process) => !servesClients(process)));
    await this.#control?.close();
    if (this.#control !== undefined) rmSync(this.data.paths.supervisor, { force: true });
    await this.data.release();
  }

  async status(): Promise<ClusterStatus> {
    const answersOf = (processes: readonly RoleProcess[]) =>
      Promise.all(processes.map((process) => process.status().catch(() => undefined)));
    const [answers, [ofControl]] = await Promise.all([
      answersOf(this.#processes.filter(servesDevices)),
      answersOf(this.#processes.filter(({ role }) => role === 'control')),
    ]);
    const usages = new Map(answers.flatMap((answer) => [...devicesIn(answer)]));
    const services = servicesIn(ofControl);
    const ring = await loadRing(this.#context.files, `${this.data.paths.ring}/ring`);
    const places = this.#plan.flatMap((role) =>
      devicesOfRole(role).map(({ id, path }) => ({
        id,
        path,
        zone: ring.devices[id]?.zone ?? 0,
        process: role.config.name,
      })),
    );
    const devices = deviceStatuses(
      places.toSorted((a, b) => a.id - b.id),
      usages,
    );
    const serving = new Set(devices.filter(isServing).map(({ id }) => id));
    return {
      version: this.#context.version,
      clusterId: this.data.identity.clusterId,
      ringVersion: ring.version,
      processes: [this.#ownStatus(), ...this.#processes.flatMap(processStatuses)],
      devices,
      partitions: countPartitions(ring, (device) => serving.has(device)),
      ...(this.#mover === undefined ? {} : { moves: this.#mover.status }),
      ...(services === undefined ? {} : { services }),
      endpoints: this.endpoints,
    };
  }

  #ownStatus(): ProcessStatus {
    return {
      role: 'supervisor',
      name: 'supervisor',
      pid: process.pid,
      ports: [statusAddress(this.#config).port],
      state: this.#isReady ? 'ready' : 'starting',
      restarts: 0,
      startedAt: new Date(this.#startedMs).toISOString(),
    };
  }
}

/** A process that serves two roles is told of once for each. */
function processStatuses(process: RoleProcess): ProcessStatus[] {
  const { role, name, pid, ports, state, restarts, startedMs } = process;
  const startedAt = new Date(startedMs).toISOString();
  const roles = role === 'node' ? (['storage', 'proxy'] as const) : ([role] as const);
  return roles.map((each) => ({
    role: each,
    name,
    ...(pid === undefined ? {} : { pid }),
    ports,
    state,
    restarts,
    startedAt,
  }));
}
