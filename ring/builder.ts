/**
 * The ring's builder: what an operator changes, and from which each next ring is made. It is a pure core: time and seed
 * come in, nothing goes out but its state. Changes of devices, replicas and overload wait for `rebalance`.
 */
import { errorText, HoldfastError } from '#common/errors.ts';
import { deviceId, type DeviceId } from '#common/ids.ts';
import {
  DEVICE_ID_MAX,
  MOVE_INTERVAL_HOURS_MAX,
  OVERLOAD_MAX,
  PARTITION_POWER_MAX,
  REPLICAS_MAX,
  VERSION_MAX,
} from './limits.ts';
import {
  leavingAfter,
  type PendingDrop,
  type PlannedMove,
  planMoves,
  standingTable,
  targetRows,
  withoutGone,
} from './moves.ts';
import { rebalance, type RebalanceCause } from './placement/rebalance.ts';
import type { Ring, RingDevice } from './ring.ts';
import { checkRingDevice, type RingTable } from './ring-table.ts';
import { ringOf } from './table-ring.ts';

export interface BuilderSettings {
  /** 2^partitionPower partitions, 0 … 20. */
  readonly partitionPower: number;
  /** 1 … 16, may be fractional. */
  readonly replicas: number;
  /** Share above its weight that a device may take where that disperses better: 0.1 is 10 %. */
  readonly overload: number;
  /** A partition that has moved stays for so long, unless one of its devices goes. */
  readonly minMoveHours: number;
}

export const defaultSettings: BuilderSettings = Object.freeze({
  partitionPower: 10,
  replicas: 3,
  overload: 0.1,
  minMoveHours: 1,
});

/** Everything that a builder is; the builder file holds it. */
export interface BuilderState extends BuilderSettings {
  /** Version of the last ring made; 0 before the first. */
  readonly version: number;
  /** The id that the next device gets: ids are never used again. */
  readonly nextDeviceId: number;
  /** In order of ids. */
  readonly devices: readonly RingDevice[];
  readonly rows: readonly Uint16Array[];
  readonly epochs: Uint32Array;
  /** When a partition's members last changed, seconds since 1970; 0 for never. */
  readonly movedSeconds: Uint32Array;
  /** Whether something has changed since the last ring was made. */
  readonly staged: boolean;
  /** The devices as they were when the last ring was balanced, in order of ids. */
  readonly balanced: readonly RingDevice[];
  /** Devices that were removed and still hold replicas, in order of ids: they stand in the ring until they hold none. */
  readonly leaving: readonly RingDevice[];
  /** In order of partitions, at most one of each. */
  readonly moves: readonly PlannedMove[];
  readonly drops: readonly PendingDrop[];
}

export interface RebalanceReport {
  readonly version: number;
  readonly cause: RebalanceCause;
  /** Partitions whose members changed. */
  readonly changedPartitions: number;
  /** Of these, partitions that had members before: what a cluster with data would have to copy. */
  readonly movedPartitions: number;
  /** Replicas that were given another device, or their first. */
  readonly placedReplicas: number;
}

export type NewDevice = Omit<RingDevice, 'id'>;

export class RingBuilder {
  #state: BuilderState;

  /** Continues from a state, which must be sound (`readBuilder` checks what comes from a file). */
  constructor(state: BuilderState) {
    this.#state = state;
  }

  /** An empty builder. Throws `invalid-argument`. */
  static create(settings: Partial<BuilderSettings> = {}): RingBuilder {
    const all = { ...defaultSettings, ...settings };
    checkSettings(all);
    const partitions = 2 ** all.partitionPower;
    return new RingBuilder({
      ...all,
      version: 0,
      nextDeviceId: 0,
      devices: [],
      rows: [],
      epochs: new Uint32Array(partitions),
      movedSeconds: new Uint32Array(partitions),
      staged: true,
      balanced: [],
      leaving: [],
      moves: [],
      drops: [],
    });
  }

  /** The state as it stands; its arrays are never written to again. */
  get state(): BuilderState {
    return this.#state;
  }

  /** @returns the device's id. Throws `invalid-argument`. */
  add(device: NewDevice): DeviceId {
    const { nextDeviceId, devices } = this.#state;
    if (nextDeviceId > DEVICE_ID_MAX) throw invalid('all device ids have been used');
    const added = checkedDevice({ ...device, id: deviceId(nextDeviceId) });
    this.#stage({ devices: [...devices, added], nextDeviceId: nextDeviceId + 1 });
    return added.id;
  }

  /** Declares a device gone: its replicas get other places with the next rebalance. Throws `invalid-argument`. */
  remove(id: DeviceId): void {
    this.#device(id);
    this.#stage({ devices: this.#state.devices.filter((device) => device.id !== id) });
  }

  /** Weight 0 drains the device. Throws `invalid-argument`. */
  setWeight(id: DeviceId, weight: number): void {
    const changed = checkedDevice({ ...this.#device(id), weight });
    this.#stage({ devices: this.#state.devices.map((device) => (device.id === id ? changed : device)) });
  }

  setOverload(overload: number): void {
    this.#stage({ overload });
  }

  setReplicas(replicas: number): void {
    this.#stage({ replicas });
  }

  setMinMoveHours(minMoveHours: number): void {
    this.#stage({ minMoveHours });
  }

  /**
   * Makes the next ring's assignment and raises the version, and the epochs of the partitions whose members change.
   * The same state and seed give the same assignment. @param seed by default the new version.
   * @param holdsData whether members can't simply be replaced: then the changes are planned as moves, and no member changes
   * before its device has joined. Throws `invalid-argument` when no device has a weight.
   */
  rebalance({
    nowMs,
    seed,
    holdsData = false,
  }: {
    readonly nowMs: number;
    readonly seed?: number;
    readonly holdsData?: boolean;
  }): RebalanceReport {
    const state = this.#state;
    if (!state.devices.some(({ weight }) => weight > 0)) throw invalid('no device with a weight above 0');
    const version = nextVersion(state);
    const nowSeconds = Math.floor(nowMs / 1000);
    const movableBefore = nowSeconds - state.minMoveHours * 3600;
    const moving = new Set(state.moves.map(({ partition }) => partition));
    const { rows, changed, cause, placed } = rebalance({
      devices: state.devices,
      partitions: state.epochs.length,
      replicas: state.replicas,
      overload: state.overload,
      rows: targetRows(state),
      seed: seed ?? version,
      mayMove: (partition) => {
        if (moving.has(partition)) return false;
        const moved = state.movedSeconds[partition] as number;
        return moved === 0 || moved <= movableBefore;
      },
    });
    const balanced = { version, staged: false, balanced: state.devices, leaving: leavingAfter(state) };
    if (holdsData && state.version > 0) {
      const planned = planMoves({ ...state, ...balanced }, rows);
      this.#state = withoutGone(planned.state);
      const added = planned.moves - state.moves.length;
      const changedPartitions = Math.max(0, added);
      return {
        version,
        cause,
        changedPartitions,
        movedPartitions: planned.moves,
        placedReplicas: changedPartitions,
      };
    }
    const epochs = state.epochs.map((epoch, partition) => epoch + (changed[partition] as number));
    // The first members of a partition are no move: they may be evened out at once.
    const moved = (partition: number): boolean => changed[partition] === 1 && state.epochs[partition] !== 0;
    const movedSeconds = state.movedSeconds.map((before, partition) =>
      moved(partition) ? nowSeconds : before,
    );
    const moves: PlannedMove[] = [];
    this.#state = withoutGone({ ...state, ...balanced, rows, epochs, movedSeconds, moves, drops: [] });
    return {
      version,
      cause,
      changedPartitions: changed.reduce((sum, flag) => sum + flag, 0),
      movedPartitions: changed.reduce((sum, _, partition) => sum + (moved(partition) ? 1 : 0), 0),
      placedReplicas: placed,
    };
  }

  /**
   * Raises the partition power by one: partition q becomes 2q and 2q + 1 with q's members, so every key stays where it
   * is. All epochs rise above every epoch there was: a request numbered by the old power is refused as outdated, never
   * taken for one of the new partition of that number. Raises the version; needs no rebalance.
   */
  growPartitionPower(): void {
    const state = this.#state;
    if (state.partitionPower >= PARTITION_POWER_MAX)
      throw invalid(`the partition power is at most ${PARTITION_POWER_MAX}`);
    if (state.moves.length + state.drops.length > 0) throw invalid('partitions are moving');
    const epoch = state.version === 0 ? 0 : state.epochs.reduce((highest, e) => Math.max(highest, e), 0) + 1;
    this.#state = {
      ...state,
      version: state.version === 0 ? 0 : nextVersion(state),
      partitionPower: state.partitionPower + 1,
      rows: state.rows.map((row) =>
        Uint16Array.from({ length: row.length * 2 }, (_, i) => row[i >> 1] as number),
      ),
      epochs: new Uint32Array(state.epochs.length * 2).fill(epoch),
      movedSeconds: Uint32Array.from(
        { length: state.epochs.length * 2 },
        (_, i) => state.movedSeconds[i >> 1] as number,
      ),
    };
  }

  /**
   * Forgets what was staged since the ring was made: devices, weights and replicas are the ring's again. The ids of devices
   * that were added meanwhile stay used. Throws `invalid-argument` when the table is of another version.
   */
  revertTo({ version, partitionPower, replicas, devices: standing }: RingTable): void {
    const state = this.#state;
    if (version !== state.version || partitionPower !== state.partitionPower)
      throw invalid(`the ring is version ${version}, and its builder ${state.version}`);
    const leaving = new Set(state.leaving.map(({ id }) => id));
    const devices = standing.filter(({ id }) => !leaving.has(id));
    this.#state = { ...state, devices, balanced: devices, replicas, staged: false };
  }

  /** The ring as last balanced. Throws `invalid-argument` before the first rebalance and while changes wait for one. */
  ring(): Ring {
    return ringOf(this.ringTable());
  }

  ringTable(): RingTable {
    const { version, staged } = this.#state;
    if (version > 0 && staged) throw invalid('changes of the ring wait for a rebalance');
    return standingTable(this.#state);
  }

  #device(id: DeviceId): RingDevice {
    const found = this.#state.devices.find((device) => device.id === id);
    if (found === undefined) throw invalid(`there is no device ${id}`);
    return found;
  }

  #stage(change: Partial<BuilderState>): void {
    const next = { ...this.#state, ...change, staged: true };
    checkSettings(next);
    this.#state = next;
  }
}

/** Throws `invalid-argument`. */
export function checkSettings({ partitionPower, replicas, overload, minMoveHours }: BuilderSettings): void {
  if (!(Number.isInteger(partitionPower) && partitionPower >= 0 && partitionPower <= PARTITION_POWER_MAX))
    throw invalid(`the partition power is a whole number, 0 to ${PARTITION_POWER_MAX}`);
  if (!(replicas >= 1 && replicas <= REPLICAS_MAX)) throw invalid(`there are 1 to ${REPLICAS_MAX} replicas`);
  if (!(overload >= 0 && overload <= OVERLOAD_MAX)) throw invalid(`the overload is 0 to ${OVERLOAD_MAX}`);
  if (!(minMoveHours >= 0 && minMoveHours <= MOVE_INTERVAL_HOURS_MAX))
    throw invalid(`the hours between moves are 0 to ${MOVE_INTERVAL_HOURS_MAX}`);
}

function checkedDevice(device: RingDevice): RingDevice {
  try {
    checkRingDevice(device);
  } catch (error) {
    throw new HoldfastError('invalid-argument', errorText(error), { cause: error });
  }
  return Object.freeze({ ...device, address: Object.freeze({ ...device.address }) });
}

function nextVersion({ version }: BuilderState): number {
  if (version >= VERSION_MAX) throw invalid('all ring versions have been used');
  return version + 1;
}

function invalid(detail: string): HoldfastError {
  return new HoldfastError('invalid-argument', detail);
}
