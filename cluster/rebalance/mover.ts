/**
 * Moves partitions as the ring's builder plans it: copies, lets the device join, copies the rest, makes it a member, and lets the old one drop what it
 * has. Everything that it must remember is in the book and on the devices: it can be killed at any time, and goes on where it was.
 */
import { errorText, hasCode } from '#common/errors.ts';
import { inParallel } from '#common/in-parallel.ts';
import type { DeviceId } from '#common/ids.ts';
import type { Timer } from '#common/io/clock.ts';
import type { PendingDrop, PlannedMove } from '#ring/moves.ts';
import type { Records } from '../cluster.ts';
import type { ClusterContext } from '../context.ts';
import type { CopyContext } from './copy-records.ts';
import { dropPartition } from './drop-partition.ts';
import { type Inventory, takeInventory } from './inventory.ts';
import type { MoveBook } from './move-book.ts';
import {
  type CopyTask,
  type Inventories,
  copyPartitionBlobs,
  copyPartitionRecords,
  openSources,
  pathOf,
  routeOf,
} from './partition-copy.ts';
import { Throttle } from './throttle.ts';

/** Partitions that join at a time: few, for every write to them needs the joining device. */
const BATCH_MAX = 64;
const AT_ONCE_MAX = 4;

export interface MoverTimes {
  /** Without success for so long, a device that joins is taken back, so that its partitions do not wait for it. */
  readonly joinMs: number;
  /** Between two looks at devices that join. */
  readonly retryMs: number;
  /** A device that failed is tried again after this time. */
  readonly restMs: number;
  /** Between two looks at the book. */
  readonly idleMs: number;
}

const TIMES: MoverTimes = { joinMs: 5000, retryMs: 100, restMs: 10_000, idleMs: 1000 };

export interface MoverOptions {
  readonly context: ClusterContext;
  readonly records: Records;
  readonly book: MoveBook;
  readonly bytesPerSecond: number;
  /** How long a device that has left a partition keeps what it has. */
  readonly dropAfterMs: number;
  /** Told of what goes wrong, once for each thing in a row. */
  readonly report: (problem: string) => void;
  readonly times?: MoverTimes;
}

export interface MoverStatus {
  /** Replicas that are still to be moved. */
  readonly moving: number;
  /** Of these, those whose device joins now. */
  readonly joining: number;
  /** Partitions that devices have left and not dropped yet. */
  readonly dropping: number;
  readonly copiedRecords: number;
  readonly copiedBlobs: number;
  readonly copiedBytes: number;
  /** What keeps it from going on; undefined when nothing does. */
  readonly problem?: string;
}

interface Progress {
  /** Since when everything that was tried has failed; undefined while it gets on. */
  failingSinceMs: number | undefined;
  readonly epoch: number;
  hasRecords: boolean;
}

export class Mover {
  readonly #options: MoverOptions;
  readonly #times: MoverTimes;
  readonly #copy: CopyContext;
  /** Of the partitions that join. */
  readonly #progress = new Map<number, Progress>();
  readonly #restUntilMs = new Map<DeviceId, number>();
  /** Devices whose moves wait until this process has the ring that the book was made for. */
  readonly #ringAwaitedSinceMs = new Map<DeviceId, number>();
  readonly #dropDueMs = new Map<string, number>();
  #counts = { copiedRecords: 0, copiedBlobs: 0, copiedBytes: 0 };
  #numbers = { moving: 0, joining: 0, dropping: 0 };
  #problem: string | undefined;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #timer: Timer | undefined;
  #wake: (() => void) | undefined;

  constructor(options: MoverOptions) {
    this.#options = options;
    this.#times = options.times ?? TIMES;
    const { context, records } = options;
    const throttle = new Throttle(context.clock, options.bytesPerSecond);
    this.#copy = { cluster: context, records, throttle, signal: this.#stop.signal };
  }

  start(): void {
    this.#running = this.#run();
  }

  get status(): MoverStatus {
    const problem = this.#problem;
    return { ...this.#numbers, ...this.#counts, ...(problem === undefined ? {} : { problem }) };
  }

  /** There may be something to do. */
  notify(): void {
    this.#wake?.();
  }

  get #closed(): boolean {
    return this.#stop.signal.aborted;
  }

  /** What is being copied is left where it is: the next mover goes on there. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.notify();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      try {
        if (!(await this.step())) await this.#pause(this.#times.idleMs);
      } catch (error) {
        this.#fail(errorText(error));
        await this.#pause(this.#times.idleMs);
      }
    }
  }

  #pause(delayMs: number): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#timer?.cancel();
        resolve();
      };
      this.#timer = this.#options.context.clock.after(delayMs, resolve);
    });
  }

  #fail(problem: string): void {
    if (problem !== this.#problem) this.#options.report(problem);
    this.#problem = problem;
  }

  /** Does what can be done now. Whether there is more to do at once. */
  async step(): Promise<boolean> {
    const { moves, drops, leaving } = await this.#options.book.read();
    const begun = moves.filter((move) => move.begun);
    this.#numbers = { moving: moves.length, joining: begun.length, dropping: drops.length };
    if (moves.length === 0 && drops.length === 0) this.#problem = undefined;
    const dropped = await this.#drop(drops, leaving);
    if (begun.length > 0) {
      await this.#complete(begun);
      return true;
    }
    const planned = moves.filter(({ device }) => !this.#rests(device)).slice(0, BATCH_MAX);
    return (planned.length > 0 && (await this.#begin(planned))) || dropped;
  }

  #rests(device: DeviceId): boolean {
    return (this.#restUntilMs.get(device) ?? 0) > this.#now();
  }

  #rest(device: DeviceId): void {
    this.#restUntilMs.set(device, this.#now() + this.#times.restMs);
    this.#ringAwaitedSinceMs.delete(device);
  }

  #now(): number {
    return this.#options.context.clock.monotonicMs();
  }

  /** Inventories of what these partitions have, each device asked once. */
  #inventories(moves: readonly { readonly partition: number }[]): Inventories {
    const partitions = new Set(moves.map(({ partition }) => partition));
    const taken = new Map<DeviceId, Promise<Inventory>>();
    return (device) => {
      const known = taken.get(device) ?? takeInventory(this.#options.context, device, partitions);
      taken.set(device, known);
      return known;
    };
  }

  /** Copies ahead, while nobody waits for it; then lets the devices join that have what there is. */
  async #begin(planned: readonly PlannedMove[]): Promise<boolean> {
    const ready = new Map<number, DeviceId>();
    let awaitsRing = false;
    for (const device of this.#ringAwaitedSinceMs.keys())
      if (!planned.some((move) => move.device === device)) this.#ringAwaitedSinceMs.delete(device);
    const inventories = this.#inventories(planned);
    await inParallel(planned, AT_ONCE_MAX, async ({ partition, device: target }) => {
      if (this.#closed || this.#rests(target)) return;
      const task: CopyTask = { partition, target, isJoint: false };
      try {
        const path = pathOf(this.#copy, task, await openSources(this.#copy, task));
        const { stale } = await this.#copyAll(task, path, inventories);
        this.#ringAwaitedSinceMs.delete(target);
        if (stale === 0) ready.set(partition, target);
        else await dropPartition(this.#copy, partition, target, await inventories(target));
      } catch (error) {
        // What another of its partitions has said of the device holds for this one.
        if (this.#closed || this.#rests(target)) return;
        if (this.#awaitsRing(target, error)) {
          awaitsRing = true;
          return;
        }
        this.#rest(target);
        this.#fail(`partition ${partition} to device ${target}: ${errorText(error)}`);
      }
    });
    if (this.#closed) return false;
    if (ready.size > 0) await this.#options.book.begin(ready);
    else if (awaitsRing) await this.#pause(this.#times.retryMs);
    return ready.size > 0 || awaitsRing;
  }

  /** The book may name a device before the ring that has it is here, or at that device: asks for that ring; false when it does not come. */
  #awaitsRing(device: DeviceId, error: unknown): boolean {
    if (!hasCode(error, 'device-unknown') && !hasCode(error, 'ring-outdated')) return false;
    this.#options.context.ringOutdated?.();
    const sinceMs = this.#ringAwaitedSinceMs.get(device) ?? this.#now();
    this.#ringAwaitedSinceMs.set(device, sinceMs);
    return this.#now() - sinceMs < this.#times.joinMs / 2;
  }

  async #copyAll(
    task: CopyTask,
    path: ReturnType<typeof pathOf>,
    inventories: Inventories,
  ): Promise<{ stale: number }> {
    const records = await copyPartitionRecords(this.#copy, task, path, inventories);
    this.#counts.copiedRecords += records.copied;
    await this.#copyBlobs(task, path, inventories);
    return records;
  }

  async #copyBlobs(task: CopyTask, path: ReturnType<typeof pathOf>, inventories: Inventories): Promise<void> {
    const { blobs, bytes } = await copyPartitionBlobs(this.#copy, task, path, inventories);
    this.#counts.copiedBlobs += blobs;
    this.#counts.copiedBytes += bytes;
  }

  /** Copies the rest to the devices that join, and makes members of those that have everything. */
  async #complete(begun: readonly PlannedMove[]): Promise<void> {
    const finished = new Map<number, number>();
    const failed = new Set<number>();
    const opened = new Map<PlannedMove, ReturnType<typeof pathOf>>();
    const waiting = new Set<PlannedMove>();
    await inParallel(begun, AT_ONCE_MAX * 4, async (move) => {
      const task: CopyTask = { partition: move.partition, target: move.device, isJoint: true };
      await this.#try(move, failed, async () => {
        const sources = await openSources(this.#copy, task);
        opened.set(move, pathOf(this.#copy, task, sources));
        if (sources.some(({ uploads }) => uploads > 0)) waiting.add(move);
        return false;
      });
    });
    // Behind the opening of all sources: from then on everything that is decided without the joining device is listed.
    const inventories = this.#inventories(begun);
    await inParallel([...opened], AT_ONCE_MAX, async ([move, path]) => {
      const { partition, device: target } = move;
      const task: CopyTask = { partition, target, isJoint: true };
      await this.#try(move, failed, async (progress) => {
        if (!progress.hasRecords) {
          const { copied } = await copyPartitionRecords(this.#copy, task, path, inventories);
          this.#counts.copiedRecords += copied;
          progress.hasRecords = true;
        }
        // While blobs of the epoch before are being sent, their list is not complete.
        if (waiting.has(move)) return true;
        await this.#copyBlobs(task, path, inventories);
        finished.set(partition, path.route.epoch);
        return true;
      });
    });
    await this.#conclude(begun, finished, failed);
  }

  async #conclude(
    begun: readonly PlannedMove[],
    finished: ReadonlyMap<number, number>,
    failed: ReadonlySet<number>,
  ): Promise<void> {
    if (finished.size > 0) await this.#options.book.finish(finished);
    if (failed.size > 0) {
      for (const { partition, device } of begun) if (failed.has(partition)) this.#rest(device);
      await this.#options.book.suspend(failed);
    }
    for (const partition of [...finished.keys(), ...failed]) this.#progress.delete(partition);
    if (finished.size > 0) this.#problem = undefined;
    if (finished.size + failed.size < begun.length) await this.#pause(this.#times.retryMs);
  }

  /**
   * Runs a part of a move; one that has failed for too long goes into `failed`.
   * @param run whether the move gets on: that its sources could be opened says nothing of the device that joins.
   */
  async #try(
    { partition, device }: PlannedMove,
    failed: Set<number>,
    run: (progress: Progress) => Promise<boolean>,
  ): Promise<void> {
    if (this.#closed) return;
    const { epoch } = routeOf(this.#copy, partition);
    let progress = this.#progress.get(partition);
    if (progress?.epoch !== epoch) {
      progress = { epoch, failingSinceMs: undefined, hasRecords: false };
      this.#progress.set(partition, progress);
    }
    try {
      if (await run(progress)) progress.failingSinceMs = undefined;
    } catch (error) {
      if (this.#closed) return;
      const nowMs = this.#now();
      progress.failingSinceMs ??= nowMs;
      const failingMs = nowMs - progress.failingSinceMs;
      // Members that have not heard of the ring yet, or are restarted, are nothing to be told of.
      if (failingMs < this.#times.joinMs / 2) return;
      this.#fail(`device ${device} cannot join partition ${partition}: ${errorText(error)}`);
      if (failingMs >= this.#times.joinMs) failed.add(partition);
    }
  }

  /** Whether something was dropped and more is due. */
  async #drop(drops: readonly PendingDrop[], leaving: readonly DeviceId[]): Promise<boolean> {
    const due = drops.filter((drop) => this.#isDue(drop)).slice(0, BATCH_MAX);
    if (due.length === 0) return false;
    const settled: PendingDrop[] = [];
    const inventories = this.#inventories(due);
    await inParallel(due, AT_ONCE_MAX, async (drop) => {
      const { partition, device } = drop;
      try {
        if (await dropPartition(this.#copy, partition, device, await inventories(device))) settled.push(drop);
      } catch (error) {
        if (leaving.includes(device)) settled.push(drop);
        else this.#fail(`device ${device} cannot drop partition ${partition}: ${errorText(error)}`);
      }
    });
    if (settled.length === 0) return false;
    await this.#options.book.settle(settled);
    for (const drop of settled) this.#dropDueMs.delete(nameOf(drop));
    return true;
  }

  #isDue(drop: PendingDrop): boolean {
    const name = nameOf(drop);
    const dueMs = this.#dropDueMs.get(name) ?? this.#now() + this.#options.dropAfterMs;
    this.#dropDueMs.set(name, dueMs);
    return dueMs <= this.#now();
  }
}

function nameOf({ partition, device }: PendingDrop): string {
  return `${partition} ${device}`;
}
