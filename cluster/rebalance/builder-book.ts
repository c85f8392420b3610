/** The book of moves over a ring's builder, wherever that is kept. */
import type { BuilderState } from '#ring/builder.ts';
import type { DeviceId } from '#common/ids.ts';
import { beginMoves, finishMoves, type PendingDrop, settleDrops, suspendMoves } from '#ring/moves.ts';
import type { MoveBook, Moves } from './move-book.ts';

export interface BuilderStore {
  load(): Promise<BuilderState>;
  /**
   * Reads, changes and writes the builder while nobody else does; when the version has risen, the ring is published before it resolves.
   */
  change(change: (state: BuilderState) => BuilderState): Promise<void>;
  readonly nowMs: () => number;
}

export class BuilderBook implements MoveBook {
  readonly #store: BuilderStore;

  constructor(store: BuilderStore) {
    this.#store = store;
  }

  async read(): Promise<Moves> {
    const { moves, drops, leaving } = await this.#store.load();
    return { moves, drops, leaving: leaving.map(({ id }) => id) };
  }

  async begin(targets: ReadonlyMap<number, DeviceId>): Promise<void> {
    await this.#store.change((state) => {
      const planned = state.moves.filter(({ partition, device }) => targets.get(partition) === device);
      return beginMoves(state, new Set(planned.map(({ partition }) => partition)));
    });
  }

  async suspend(partitions: ReadonlySet<number>): Promise<void> {
    await this.#store.change((state) => suspendMoves(state, partitions));
  }

  async finish(epochs: ReadonlyMap<number, number>): Promise<void> {
    await this.#store.change((state) => {
      const unchanged = [...epochs].filter(([partition, epoch]) => state.epochs[partition] === epoch);
      return finishMoves(state, new Set(unchanged.map(([partition]) => partition)), this.#store.nowMs());
    });
  }

  async settle(drops: readonly PendingDrop[]): Promise<void> {
    await this.#store.change((state) => settleDrops(state, drops));
  }
}
