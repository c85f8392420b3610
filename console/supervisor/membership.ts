/** A role's process as a member of its cluster: registered with control, and told of the ring. docs/formats/membership.md. */
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { readClusterKey } from '#common/config/cluster-key.ts';
import type { RunningRole } from '#common/config/role-control.ts';
import type { RoleConfig } from '#common/config/role-config.ts';
import type { Address } from '#common/io/network.ts';
import { realClock } from '#common/io/real-clock.ts';
import { realFiles } from '#common/io/real-files.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import { replaceFile } from '#common/io/whole-file.ts';
import { whileLocked } from '#common/io/while-locked.ts';
import type { Logger } from '#common/log/logger.ts';
import type { ProcessState } from '#control/protocol/membership.ts';
import type { MembershipClient } from '#control/protocol/membership-client.ts';
import { loadRing } from '#ring/file/ring-files.ts';
import { readRing } from '#ring/file/ring-reader.ts';
import { devicesIn, isOut } from './cluster-status.ts';

export interface MembershipOptions {
  readonly role: RoleConfig;
  readonly version: string;
  readonly log: Logger;
}

export class Membership implements AsyncDisposable {
  readonly #options: MembershipOptions;
  readonly #startedMs = Date.now();
  readonly #firstRing = Promise.withResolvers<void>();
  #client: MembershipClient | undefined;
  #running: RunningRole | undefined;
  #ports: readonly number[] = [];

  private constructor(options: MembershipOptions) {
    this.#options = options;
  }

  /** Resolves at once; control is heard of when it answers. A role that knows of no control registers nowhere. */
  static async open(options: MembershipOptions): Promise<Membership> {
    const membership = new Membership(options);
    const control = controlOf(options.role);
    if (control === undefined) return membership;
    const { log, role } = options;
    // Loaded only here: a process without a control to go to pays for no gRPC.
    const { MembershipClient } = await import('#control/protocol/membership-client.ts');
    membership.#client = new MembershipClient({
      control,
      clusterKey: await readClusterKey(keyFileOf(role)),
      clock: realClock(),
      randomness: realRandomness(),
      state: () => membership.#state(),
      takeRing: (ring) => membership.#takeRing(ring),
      report: (problem) => log.warn('membership', { problem }),
    });
    return membership;
  }

  /** Resolves when there is a ring to begin with: at once, or when control has sent one. False when `ended` came first. */
  async ringAtHand(ended: Promise<unknown>): Promise<boolean> {
    const { role, log } = this.#options;
    if (this.#client === undefined || (await this.#ringVersionOnDisk()) > 0) return true;
    // Control may have no ring either; that is for its own configuration to say.
    if (role.role === 'control' || (await this.#hasRingFiles())) return true;
    log.info('waiting for the ring', { paths: ringFilesOf(role) });
    return await Promise.race([this.#firstRing.promise.then(() => true), ended.then(() => false)]);
  }

  /** A file that cannot be read is told of by the role, which reads it. */
  async #hasRingFiles(): Promise<boolean> {
    const found = await Promise.all(ringFilesOf(this.#options.role).map((path) => realFiles().exists(path)));
    return found.every(Boolean);
  }

  serving(running: RunningRole): void {
    this.#running = running;
    this.#ports = running.ports;
    this.#client?.tell();
  }

  /** The role is about to close. */
  async leave(): Promise<void> {
    const client = this.#client;
    this.#running = undefined;
    this.#client = undefined;
    await client?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.leave();
  }

  async #state(): Promise<ProcessState> {
    const { role, version } = this.#options;
    const status: unknown = await this.#running?.status();
    const devices = [...devicesIn(status)];
    const { ringVersion } = Object(status) as { ringVersion?: unknown };
    return {
      name: role.config.name,
      role: role.role,
      host: hostname(),
      ports: this.#ports,
      version,
      startedMs: this.#startedMs,
      isServing: this.#running !== undefined,
      ringVersion: typeof ringVersion === 'number' ? ringVersion : await this.#ringVersionOnDisk(),
      devices: devices.length,
      devicesOut: devices.filter(([, device]) => isOut(device)).map(([id]) => id),
    };
  }

  /** Before it serves: the oldest that it would begin with. */
  async #ringVersionOnDisk(): Promise<number> {
    const versions = await Promise.all(ringFilesOf(this.#options.role).map(versionIn));
    return versions.length === 0 ? 0 : Math.min(...versions);
  }

  /** Durable before it is used: a process that starts without control starts with no older ring than it had. */
  async #takeRing(bytes: Buffer): Promise<void> {
    const { version } = readRing(bytes);
    for (const path of ringFilesOf(this.#options.role)) {
      // On control's own machine the file is what control sends.
      if ((await versionIn(path)) >= version) continue;
      const files = realFiles();
      await files.makeDirectory(dirname(path));
      await whileLocked(files, `${path}.lock`, async () => {
        if ((await versionIn(path)) >= version) return;
        await replaceFile(files, path, bytes);
        this.#options.log.info('a newer ring', { version, path });
      });
    }
    this.#firstRing.resolve();
    this.#running?.lookForRing?.();
  }
}

/** 0 of a file that is not there, or holds no ring. */
async function versionIn(path: string): Promise<number> {
  try {
    return (await loadRing(realFiles(), path)).version;
  } catch {
    return 0;
  }
}

function controlOf(role: RoleConfig): Address | undefined {
  if (role.membership !== undefined) return role.membership;
  if (role.role === 'control') return fromHere(role.config.feed);
  if (role.role === 'storage') return undefined;
  return (role.role === 'node' ? role.config.proxy : role.config).identity?.feed;
}

/** Where an address that one listens on is for whoever is on the same machine. */
function fromHere({ host, port }: Address): Address {
  if (host === '0.0.0.0') return { host: '127.0.0.1', port };
  return { host: host === '::' ? '::1' : host, port };
}

function keyFileOf(role: RoleConfig): string {
  return role.role === 'node' ? role.config.proxy.clusterKeyFile : role.config.clusterKeyFile;
}

function ringFilesOf(role: RoleConfig): readonly string[] {
  if (role.role === 'node') return [...new Set([role.config.storage.ringFile, role.config.proxy.ringFile])];
  return role.config.ringFile === undefined ? [] : [role.config.ringFile];
}
