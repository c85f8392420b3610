/** What the sweep is given, and what it tells. */
import type { Cluster } from '#cluster/cluster.ts';
import type { Upkeep } from '#cluster/upkeep/upkeep.ts';
import type { Clock } from '#common/io/clock.ts';
import type { Logger } from '#common/log/logger.ts';

export interface SweepSettings {
  /** From the end of a pass to the beginning of the next. */
  readonly intervalMs: number;
  /** The age from which on a tombstone is reclaimed. */
  readonly reclaimMs: number;
}

export interface SweepContext {
  readonly cluster: Cluster;
  readonly upkeep: Upkeep;
  readonly clock: Clock;
  readonly log: Logger;
  readonly settings: SweepSettings;
}

/** What a pass has done; logged when it ends. */
export interface SweepFigures {
  blobs: number;
  sweptBlobs: number;
  sweptBytes: number;
  sweptParts: number;
  closedUploads: number;
  tombstones: number;
  reclaimedTombstones: number;
  failures: number;
}

export function noFigures(): SweepFigures {
  return {
    blobs: 0,
    sweptBlobs: 0,
    sweptBytes: 0,
    sweptParts: 0,
    closedUploads: 0,
    tombstones: 0,
    reclaimedTombstones: 0,
    failures: 0,
  };
}
