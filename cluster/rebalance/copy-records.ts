/**
 * The records of a partition, from a majority of its members to the device that joins: docs/formats/register.md, "While a device
 * joins". It compares rows, and moves only what differs, so that it can be begun anew at any time.
 */
import { HoldfastError } from '#common/errors.ts';
import { type Ballot, compareBallots, sameBallot } from '#common/ballot.ts';
import { type RecordKey, asRecordKey } from '#common/codec/record-key.ts';
import type { DeviceId } from '#common/ids.ts';
import type { ListedRow } from '#storage-node/protocol/messages/list.ts';
import { encodeLearn } from '#storage-node/protocol/messages/learn.ts';
import type { Route } from '#storage-node/protocol/messages/message.ts';
import { encodeRead } from '#storage-node/protocol/messages/read.ts';
import type { Records } from '../cluster.ts';
import type { ClusterContext } from '../context.ts';
import { ReplicaCursor } from '../listings/replica-cursor.ts';
import { askNode } from './ask-node.ts';
import type { Throttle } from './throttle.ts';

const PAGE_ROWS = 500;
const AT_ONCE_MAX = 16;
/** What a row costs besides its bytes. */
const ROW_BYTES = 512;
const EMPTY = Buffer.alloc(0);

export interface CopyContext {
  readonly cluster: ClusterContext;
  readonly records: Records;
  readonly throttle: Throttle;
  /** Ends what is being copied, with `aborted`: it can be begun anew at any time. */
  readonly signal: AbortSignal;
}

/** Throws `aborted` when the copying is to end. */
export function assertGoesOn({ signal }: Pick<CopyContext, 'signal'>): void {
  if (signal.aborted) throw new HoldfastError('aborted', 'the copying has been ended');
}

/** Where a copy comes from and goes to. */
export interface CopyPath {
  readonly route: Route;
  /** A majority of the members. */
  readonly sources: readonly DeviceId[];
  readonly target: DeviceId;
  /** Whether the target joins already: then nothing may be left out. */
  readonly isJoint: boolean;
}

export interface CopiedRecords {
  copied: number;
  /** Records on which the members differed. */
  settled: number;
  /** Rows that the target has and no source: it has them of an earlier time. */
  stale: number;
}

/** Throws what a device answers. */
export async function copyRecords(
  context: CopyContext,
  path: CopyPath,
  shards: readonly Buffer[],
): Promise<CopiedRecords> {
  const result: CopiedRecords = { copied: 0, settled: 0, stale: 0 };
  for (const shard of shards) await new ShardCopy(context, path, shard, result).run();
  return result;
}

class ShardCopy {
  readonly #context: CopyContext;
  readonly #path: CopyPath;
  readonly #shard: Buffer;
  readonly #result: CopiedRecords;
  #tasks: Promise<void>[] = [];

  constructor(context: CopyContext, path: CopyPath, shard: Buffer, result: CopiedRecords) {
    this.#context = context;
    this.#path = path;
    this.#shard = shard;
    this.#result = result;
  }

  async run(): Promise<void> {
    try {
      await this.#merge();
    } finally {
      // What is still under way when a page cannot be had is ended with it.
      await Promise.allSettled(this.#tasks);
    }
  }

  async #merge(): Promise<void> {
    const sources = this.#path.sources.map((device) => this.#cursor(device));
    const target = this.#cursor(this.#path.target);
    const all = [...sources, target];
    for (;;) {
      await Promise.all(all.filter((cursor) => cursor.needsPage).map((cursor) => cursor.fetch()));
      assertGoesOn(this.#context);
      const name = lowestName(all);
      if (name === undefined) break;
      const [rows, held] = [sources.map((cursor) => take(cursor, name)), take(target, name)];
      const task = this.#judge(Buffer.from(name), rows, held);
      if (task !== undefined) this.#add(task);
      if (this.#tasks.length >= AT_ONCE_MAX) await this.#finishTasks();
    }
    await this.#finishTasks();
  }

  /** It may fail while a page is waited for; that is looked at when it is its turn, and must not count as unhandled until then. */
  #add(task: Promise<void>): void {
    task.catch(() => undefined);
    this.#tasks.push(task);
  }

  async #finishTasks(): Promise<void> {
    const tasks = this.#tasks;
    this.#tasks = [];
    const results = await Promise.allSettled(tasks);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  #cursor(device: DeviceId): ReplicaCursor {
    const range = {
      route: this.#path.route,
      shardPrefix: this.#shard,
      from: EMPTY,
      to: EMPTY,
      foldOffset: 0,
      delimiter: EMPTY,
    };
    const client = this.#context.cluster.nodes.client(device, 'small');
    return new ReplicaCursor(client, device, range, PAGE_ROWS);
  }

  #judge(
    name: Buffer,
    rows: readonly (ListedRow | undefined)[],
    held: ListedRow | undefined,
  ): Promise<void> | undefined {
    const key = asRecordKey(Buffer.concat([this.#shard, name]));
    const [first] = rows;
    if (rows.every((row) => row === undefined)) {
      this.#result.stale += 1;
      return this.#differ(key);
    }
    const agree = rows.every(
      (row) => row !== undefined && first !== undefined && sameBallot(row.ballot, first.ballot),
    );
    if (!agree || first === undefined) return this.#differ(key);
    if (held !== undefined && compareBallots(held.ballot, first.ballot) >= 0) return undefined;
    return this.#learn(key, first.ballot);
  }

  async #learn(key: RecordKey, ballot: Ballot): Promise<void> {
    const { cluster, throttle } = this.#context;
    const { route, sources, target } = this.#path;
    const read = encodeRead({ type: 'read', route, key, ballotOnly: false });
    const { state } = await askNode(cluster, sources[0] as DeviceId, read, 'state');
    // It has been written meanwhile: nobody has said that this has been decided.
    if (state === undefined || !sameBallot(state.ballot, ballot)) return await this.#differ(key);
    await throttle.spend(ROW_BYTES + key.length + state.summary.length + state.content.length);
    await askNode(cluster, target, encodeLearn({ type: 'learn', route, key, state }), 'accepted');
    this.#result.copied += 1;
  }

  /** Has it decided by whoever decides now, the target among them. Before it joins, what is not decided can wait. */
  async #differ(key: RecordKey): Promise<void> {
    if (!this.#path.isJoint) return;
    this.#result.settled += 1;
    await this.#context.records.mutate(key, () => ({ action: 'keep', result: undefined }));
  }
}

function lowestName(cursors: readonly ReplicaCursor[]): Buffer | undefined {
  let lowest: Buffer | undefined;
  for (const { row } of cursors)
    if (row !== undefined && (lowest === undefined || row.name.compare(lowest) < 0)) lowest = row.name;
  return lowest;
}

/** The cursor's row of that name, if it has one; the cursor moves behind it. */
function take(cursor: ReplicaCursor, name: Buffer): ListedRow | undefined {
  const { row } = cursor;
  if (row === undefined || !row.name.equals(name)) return undefined;
  cursor.advance();
  return row;
}
