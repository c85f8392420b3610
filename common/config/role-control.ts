/** What a role's program is given by the process that runs it, and what it gives back. */
import type { Logger } from '#common/log/logger.ts';
import type { MetricsRegistry } from '#common/metrics/registry.ts';
import type { StorageRoleConfig } from './roles.ts';

/** A bound socket, opaque: only `net.Server.listen` (of node:http, too) takes it. */
export type ListenHandle = object;

export interface RoleControl {
  readonly log: Logger;
  /** Where the process counts what it does; a role that is given none counts for nobody. */
  readonly metrics?: MetricsRegistry;
  /**
   * A socket that outlives this process: the supervisor holds it too, so that a connection made while the role restarts
   * waits in the kernel's queue and is not refused, and several processes share one port. A role that is given one
   * accepts on it (`server.listen(control.listener)`) and not on its `config.listen`, which names the same address.
   */
  readonly listener?: ListenHandle;
}

/** A role that serves: what `runStorageRole` and `runProxyRole` resolve to, once requests are taken. */
export interface RunningRole {
  /** The TCP ports on which it listens. */
  readonly ports: readonly number[];
  /** A JSON value with `ringVersion`. Of a storage role: with `devices: [{ id, …DeviceUsage }]`. */
  status(): Promise<unknown>;
  /** Serves these devices from now on: opens those that are new, closes those that are left out. Of a role that serves devices. */
  serveDevices?(devices: StorageRoleConfig['devices']): Promise<void>;
  /** The ring's file has been replaced: reads it at once. */
  lookForRing?(): void;
  /** Stops accepting, finishes what is under way (within seconds), closes its files. Called once. */
  close(): Promise<void>;
}
