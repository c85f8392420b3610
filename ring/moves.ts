/**
 * How members of a partition are changed while it holds data: what a rebalance wants is planned, one replica of a
 * partition at a time; a planned move begins (its device joins), and ends when the device has everything.
 * docs/formats/ring.md, "Moves". Pure: a state in, the next state out.
 */
import { HoldfastError } from '#common/errors.ts';
import type { DeviceId } from '#common/ids.ts';
import type { BuilderState } from './builder.ts';
import { NO_DEVICE, VERSION_MAX } from './limits.ts';
import type { RingDevice } from './ring.ts';
import type { RingMove, RingTable } from './ring-table.ts';

export interface PlannedMove extends RingMove {
  /** Whether its device joins in the ring already. */
  readonly begun: boolean;
}

/** A device that holds data of a partition which it is no member of any more. */
export interface PendingDrop {
  readonly partition: number;
  readonly device: DeviceId;
}

/** The replica tables as they will be when every planned move has ended. */
export function targetRows({ rows, moves }: BuilderState): Uint16Array[] {
  const target = rows.map((row) => row.slice());
  for (const { partition, row, device } of moves) (target[row] as Uint16Array)[partition] = device;
  return target;
}

export interface Planned {
  readonly state: BuilderState;
  readonly moves: number;
}

/**
 * Plans the way from the state's rows to `target`: one replica of a partition, and none of a partition whose move is still
 * wanted; what is left is for a later rebalance. Throws `invalid-argument` when the number of replicas differs.
 */
export function planMoves(state: BuilderState, target: readonly Uint16Array[]): Planned {
  const { rows, epochs } = state;
  if (target.length !== rows.length || target.some((row, i) => row.length !== rows[i]?.length))
    throw invalid('the number of replicas cannot change while the cluster holds data');
  const known = new Map(state.moves.map((move) => [move.partition, move]));
  const dropping = new Set(state.drops.map(({ partition, device }) => `${partition} ${device}`));
  const nextEpochs = epochs.slice();
  const moves: PlannedMove[] = [];
  const drops = [...state.drops];
  for (let partition = 0; partition < epochs.length; partition++) {
    const before = known.get(partition);
    if (before !== undefined && target[before.row]?.[partition] === before.device) {
      moves.push(before);
      continue;
    }
    if (before !== undefined) {
      drops.push({ partition, device: before.device });
      if (before.begun) nextEpochs[partition] = (epochs[partition] as number) + 1;
    }
    const members = rows.map((row) => row[partition] ?? NO_DEVICE);
    const row = members.findIndex((member, i) => {
      const wanted = target[i]?.[partition] ?? NO_DEVICE;
      return wanted !== member && wanted !== NO_DEVICE && !members.includes(wanted);
    });
    const device = target[row]?.[partition] as DeviceId | undefined;
    // What a device still holds of an earlier time is dropped before it may come back.
    if (device === undefined || dropping.has(`${partition} ${device}`)) continue;
    moves.push({ partition, row, device, begun: false });
  }
  return { state: { ...state, epochs: nextEpochs, moves, drops }, moves: moves.length };
}

/** Lets the devices of these planned moves join. */
export function beginMoves(state: BuilderState, partitions: ReadonlySet<number>): BuilderState {
  return changeMoves(state, partitions, false, (move) => ({ ...move, begun: true }));
}

/** Takes the joining devices back: the moves are planned again. */
export function suspendMoves(state: BuilderState, partitions: ReadonlySet<number>): BuilderState {
  return changeMoves(state, partitions, true, (move) => ({ ...move, begun: false }));
}

/** The devices that joined have everything: they are members in the place of those that leave. */
export function finishMoves(
  state: BuilderState,
  partitions: ReadonlySet<number>,
  nowMs: number,
): BuilderState {
  const finished = state.moves.filter(({ partition, begun }) => begun && partitions.has(partition));
  const rows = state.rows.map((row) => row.slice());
  const movedSeconds = state.movedSeconds.slice();
  const drops = [...state.drops];
  for (const { partition, row, device } of finished) {
    const table = rows[row] as Uint16Array;
    const leaves = table[partition] as DeviceId;
    if (leaves !== NO_DEVICE) drops.push({ partition, device: leaves });
    table[partition] = device;
    movedSeconds[partition] = Math.floor(nowMs / 1000);
  }
  const next = changeMoves(state, partitions, true, () => undefined);
  return withoutGone({ ...next, rows, movedSeconds, drops });
}

/** These drops have been made, or are given up because their device is gone. */
export function settleDrops(state: BuilderState, settled: readonly PendingDrop[]): BuilderState {
  const names = new Set(settled.map(({ partition, device }) => `${partition} ${device}`));
  const drops = state.drops.filter(({ partition, device }) => !names.has(`${partition} ${device}`));
  const next = withoutGone({ ...state, drops });
  return next.leaving.length === state.leaving.length ? next : { ...next, version: nextVersion(state) };
}

/** The ring that stands: what is staged is not in it. */
export function standingTable(state: BuilderState): RingTable {
  const { version, partitionPower, replicas, balanced, leaving, rows, epochs } = state;
  if (version === 0) throw invalid('the ring has not been balanced yet');
  const devices = [...balanced, ...leaving].toSorted((a, b) => a.id - b.id);
  const moves = state.moves
    .filter(({ begun }) => begun)
    .map(({ partition, row, device }) => ({ partition, row, device }));
  return { version, partitionPower, replicas, devices, rows, epochs, moves };
}

/** Drops the devices that were removed once nothing refers to them. */
export function withoutGone(state: BuilderState): BuilderState {
  const used = new Set<number>();
  for (const row of state.rows) for (const id of row) used.add(id);
  for (const { device } of state.moves) used.add(device);
  for (const { device } of state.drops) used.add(device);
  return { ...state, leaving: state.leaving.filter(({ id }) => used.has(id)) };
}

/** The devices that stand in the ring and are wanted no more, when `devices` are what is wanted. */
export function leavingAfter(state: BuilderState): RingDevice[] {
  const wanted = new Set(state.devices.map(({ id }) => id));
  return [...state.balanced, ...state.leaving]
    .filter(({ id }) => !wanted.has(id))
    .toSorted((a, b) => a.id - b.id);
}

function changeMoves(
  state: BuilderState,
  partitions: ReadonlySet<number>,
  begun: boolean,
  change: (move: PlannedMove) => PlannedMove | undefined,
): BuilderState {
  const epochs = state.epochs.slice();
  const moves: PlannedMove[] = [];
  for (const move of state.moves) {
    const changes = partitions.has(move.partition) && move.begun === begun;
    const next = changes ? change(move) : move;
    if (changes) epochs[move.partition] = (epochs[move.partition] as number) + 1;
    if (next !== undefined) moves.push(next);
  }
  return { ...state, version: nextVersion(state), epochs, moves };
}

function nextVersion({ version }: BuilderState): number {
  if (version >= VERSION_MAX) throw invalid('all ring versions have been used');
  return version + 1;
}

function invalid(detail: string): HoldfastError {
  return new HoldfastError('invalid-argument', detail);
}
