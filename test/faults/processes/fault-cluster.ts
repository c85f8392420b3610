/**
 * A cluster of real processes on a data directory as `holdfast up` makes it, whose processes the test starts, kills, stops and cuts off
 * one by one. A supervisor would wait longer and longer before it starts again what dies all the time.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ClusterConfig, loadClusterConfig } from '#common/config/cluster-config.ts';
import { type RoleConfig, roleConfigText } from '#common/config/role-config.ts';
import type { StorageRoleConfig } from '#common/config/roles.ts';
import { realFiles } from '#common/io/real-files.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import { openDataDirectory } from '#console/supervisor/data-directory.ts';
import type { DataPaths } from '#console/supervisor/data-paths.ts';
import { readdressed } from '#console/supervisor/ensure-ring.ts';
import { planProcesses } from '#console/supervisor/role-plan.ts';
import { loadBuilder, ringPaths, saveRing } from '#ring/file/ring-files.ts';
import { keysIn, type ShellKeys } from '../../house/s3-request.ts';
import type { Fate, Loss, PacketFilter } from './packet-filter.ts';
import { Relay, type WireState } from './relay.ts';
import { RoleChild } from './role-child.ts';

const STORAGE_PROCESSES = 4;
/** Behind a relay, a storage process listens this far above the port that the ring names. */
const BEHIND_RELAY = 40;
/** Ports from the first on: clients, control, storage processes, relays of each proxy, what is behind them. */
export const PORTS_PER_CLUSTER = 60;

export interface FaultClusterOptions {
  /** `together`: one process has all the devices and serves clients. `apart`: four storage processes, and proxies. */
  readonly layout: 'together' | 'apart';
  /** `PORTS_PER_CLUSTER` ports from here on are the cluster's. */
  readonly firstPort: number;
  readonly proxies?: number;
  /** Whether what proxies say to storage processes goes through wires that can be cut. */
  readonly wired?: boolean;
  /** Cuts the wires in the kernel, in front of the relays, instead of in the relays. */
  readonly filter?: PacketFilter;
  readonly segmentBytes?: number;
}

/** What only the kernel can do is `Loss`. */
export type Cut = WireState | Loss;

const FATES: Readonly<Record<Cut, Fate>> = {
  open: 'passed',
  silent: 'lost',
  severed: 'refused',
  'requests-lost': 'requests-lost',
  'answers-lost': 'answers-lost',
};

export class FaultCluster implements AsyncDisposable {
  readonly folder: string;
  readonly paths: DataPaths;
  readonly configFile: string;
  readonly roles: readonly RoleChild[];
  /** One of each process that serves clients. */
  readonly endpoints: readonly string[];
  readonly devicePaths: readonly string[];
  /** By proxy, then by storage process. */
  readonly #wires: readonly (readonly Relay[])[];
  readonly #filter: PacketFilter | undefined;

  private constructor(
    base: { folder: string; paths: DataPaths; configFile: string },
    plan: readonly RoleConfig[],
    wires: readonly (readonly Relay[])[],
    filter: PacketFilter | undefined,
  ) {
    this.folder = base.folder;
    this.paths = base.paths;
    this.configFile = base.configFile;
    this.#wires = wires;
    this.#filter = filter;
    this.roles = plan.map((role) => {
      const file = join(base.folder, `${role.config.name}.yaml`);
      writeFileSync(file, roleConfigText(role));
      return new RoleChild(role.role, role.config.name, file);
    });
    const listens = plan.flatMap((role) => {
      if (role.role === 'storage') return [];
      return [role.role === 'node' ? role.config.proxy.listen : role.config.listen];
    });
    this.endpoints = listens.map(({ host, port }) => `http://${host}:${port}`);
    this.devicePaths = plan
      .flatMap((role) => storageOf(role)?.devices ?? [])
      .toSorted((a, b) => a.id - b.id)
      .map(({ path }) => path);
  }

  /** Makes the data directory; starts nothing yet. */
  static async make(options: FaultClusterOptions): Promise<FaultCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-faults-'));
    try {
      const configFile = join(folder, 'holdfast.yaml');
      writeFileSync(configFile, configurationText(options));
      const config = loadClusterConfig(configFile, {}, folder);
      const context = { files: realFiles(), randomness: realRandomness(), nowMs: Date.now };
      const data = await openDataDirectory(config, context);
      await data.release();
      const { paths, identity, devices } = data;
      const plan = planProcesses(config, identity, paths, devices);
      const { wires, wired } = await wire(options, config, plan, paths.root, folder);
      return new FaultCluster(
        { folder, paths, configFile },
        wired.map((role) => withoutControl(withSegments(role, options.segmentBytes))),
        wires,
        options.filter,
      );
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  get keys(): ShellKeys {
    return keysIn(this.paths.adminEnv);
  }

  get storing(): readonly RoleChild[] {
    return this.roles.filter(({ role }) => role !== 'proxy');
  }

  get serving(): readonly RoleChild[] {
    return this.roles.filter(({ role }) => role !== 'storage');
  }

  /** Starts every process that does not run; resolves when all serve. */
  async start(): Promise<void> {
    await Promise.all(this.roles.filter((role) => !role.isRunning).map((role) => role.start()));
  }

  /** Kills them at the same moment. */
  async kill(roles: readonly RoleChild[] = this.roles): Promise<void> {
    for (const role of roles) role.signal('SIGKILL');
    await Promise.all(roles.map((role) => role.kill()));
  }

  /** Of the wires' cuts, those that can be made here. */
  get cuts(): readonly Exclude<Cut, 'open'>[] {
    const cuts = ['silent', 'severed'] as const;
    return this.#filter === undefined ? cuts : [...cuts, 'requests-lost', 'answers-lost'];
  }

  /** What one proxy says to one storage process, and hears of it. */
  async cut(proxy: number, storage: number, cut: Cut): Promise<void> {
    const wire = this.#wires[proxy]?.[storage];
    if (wire === undefined) throw new RangeError(`no wire from ${proxy} to ${storage}`);
    if (this.#filter !== undefined) await this.#filter.set(wire.port, FATES[cut]);
    else if (cut === 'requests-lost' || cut === 'answers-lost') throw new RangeError(`a relay has no ${cut}`);
    else wire.set(cut);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const role of this.roles) role.signal('SIGCONT');
    await this.kill();
    for (const relays of this.#wires) for (const relay of relays) await relay[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function configurationText({ layout, firstPort, proxies }: FaultClusterOptions): string {
  const storage = firstPort + 10;
  return [
    'data: data',
    `apart: ${layout === 'apart'}`,
    `objects: {port: ${firstPort}}`,
    `control: {port: ${firstPort + 5}}`,
    `metrics: {portBase: ${firstPort + 20}}`,
    `storage: {portBase: ${storage}${layout === 'apart' ? `, processes: ${STORAGE_PROCESSES}` : ''}}`,
    `proxy: {processes: ${proxies ?? 1}}`,
    'sweep: {graceSeconds: 3600, intervalSeconds: 5, reclaimSeconds: 1}',
  ].join('\n');
}

function storageOf(role: RoleConfig): StorageRoleConfig | undefined {
  if (role.role === 'node') return role.config.storage;
  return role.role === 'storage' ? role.config : undefined;
}

/** Small segments, so that compaction has much to do and a kill is likely to meet it. */
function withSegments(role: RoleConfig, segmentBytes: number | undefined): RoleConfig {
  if (segmentBytes === undefined) return role;
  const small = { segmentBytes, compactionSeconds: 1 };
  if (role.role === 'node') {
    return { role: 'node', config: { ...role.config, storage: { ...role.config.storage, ...small } } };
  }
  return role.role === 'storage' ? { role: 'storage', config: { ...role.config, ...small } } : role;
}

/** There is no control here, so nobody is to wait for it at each start. */
function withoutControl(role: RoleConfig): RoleConfig {
  if (role.role === 'proxy') {
    const { identity: _identity, ...config } = role.config;
    return { role: 'proxy', config };
  }
  if (role.role !== 'node') return role;
  const { identity: _identity, ...proxy } = role.config.proxy;
  return { role: 'node', config: { ...role.config, proxy } };
}

interface Wired {
  readonly wires: readonly (readonly Relay[])[];
  readonly wired: readonly RoleConfig[];
}

/** Every proxy gets a port of its own; when wired, also a ring of its own, in which the storage processes are its relays. */
async function wire(
  options: FaultClusterOptions,
  config: ClusterConfig,
  plan: readonly RoleConfig[],
  root: string,
  folder: string,
): Promise<Wired> {
  const wires: Relay[][] = [];
  const wired: RoleConfig[] = [];
  for (const role of plan) {
    if (role.role === 'storage' && options.wired === true) {
      const { listen } = role.config;
      const behind = { ...listen, port: listen.port + BEHIND_RELAY };
      wired.push({ role: 'storage', config: { ...role.config, listen: behind } });
    } else if (role.role === 'proxy') {
      const proxy = wires.length;
      const listen = { ...role.config.listen, port: role.config.listen.port + proxy };
      const first = config.storage.portBase + proxy * STORAGE_PROCESSES;
      const relays: Relay[] = [];
      if (options.wired === true) {
        for (let storage = 0; storage < STORAGE_PROCESSES; storage += 1) {
          const target = config.storage.portBase + BEHIND_RELAY + storage;
          relays.push(await Relay.listen(first + storage, target));
        }
      }
      wires.push(relays);
      const ringFile =
        options.wired === true ? await ringOf(root, folder, proxy, first) : role.config.ringFile;
      wired.push({ role: 'proxy', config: { ...role.config, listen, ringFile } });
    } else {
      wired.push(role);
    }
  }
  return { wires, wired };
}

async function ringOf(root: string, folder: string, proxy: number, firstPort: number): Promise<string> {
  const files = realFiles();
  const builder = await loadBuilder(files, ringPaths(root).builder);
  const own = join(folder, `ring-${proxy}`);
  await files.makeDirectory(own);
  const at = (device: number) => ({ host: '127.0.0.1', port: firstPort + (device % STORAGE_PROCESSES) });
  await saveRing(files, own, readdressed(builder, at) ?? builder);
  return ringPaths(own).ring;
}
