/**
 * The sums of a space's shards, asked of their replicas: docs/formats/index.md, "Sums". Two replicas (a majority) with one digest have the same
 * rows under the same ballots: all of them are decided, and their sums are exact.
 */
import { shardPrefix } from '#common/codec/record-key.ts';
import { HoldfastError, hasCode } from '#common/errors.ts';
import type { DeviceId } from '#common/ids.ts';
import {
  COUNT_SHARDS_MAX,
  type CountedShard,
  type SumsOfShard,
  encodeCount,
} from '#storage-node/protocol/messages/count.ts';
import type { NodeReply } from '#storage-node/protocol/node-reply.ts';
import type { Counted, CountQuery } from '../cluster.ts';
import { type ClusterContext, placeRecord } from '../context.ts';
import { preferred } from '../records/run-reading.ts';
import { majorityOf } from '../register/quorum.ts';

/** Tries before the rows themselves are read; a write between the two answers makes them differ. */
const ATTEMPTS_MAX = 4;
const PAUSE_MS = 5;
/** Longer, while too few replicas answer. */
const UNAVAILABLE_PAUSE_MS = 100;
const COUNT_MS_MAX = 15_000;
/** Shards of up to so many objects are counted by their rows when their replicas are not seen to agree. */
export const RECOUNT_OBJECTS_MAX = 10_000;

/** What is done where replicas do not agree. */
export interface Disagreement {
  /** Reads a shard's rows and what they count for. */
  readonly recount: (shard: number) => Promise<Counted>;
  /** Has the replicas of a shard compared row by row, some time. */
  readonly mend: (shard: number) => void;
}

type Answers = Map<DeviceId, SumsOfShard>;

export async function countShards(
  context: ClusterContext,
  query: CountQuery,
  disagreement: Disagreement,
): Promise<Counted> {
  const deadlineMs = context.clock.monotonicMs() + COUNT_MS_MAX;
  const total = { objects: 0, bytes: 0 };
  const add = ({ objects, bytes }: Counted): void => {
    total.objects += objects;
    total.bytes += bytes;
  };
  let open = Array.from({ length: query.shards }, (_, shard) => shard);
  for (let attempt = 0; open.length > 0; attempt += 1) {
    const { answers, failure } = await ask(context, query, open, attempt);
    const left: number[] = [];
    for (const shard of open) {
      const { needed } = voters(context, query, shard);
      const known = answers.get(shard) ?? new Map<DeviceId, SumsOfShard>();
      const agreed = agreedSums([...known.values()], needed);
      if (agreed !== undefined) add(agreed);
      else if (attempt + 1 >= ATTEMPTS_MAX && known.size >= needed) {
        add(await settle(shard, [...known.values()], disagreement));
      } else left.push(shard);
    }
    open = left;
    if (open.length > 0) await pause(context, failure, deadlineMs);
  }
  return total;
}

function voters(
  context: ClusterContext,
  query: CountQuery,
  shard: number,
): ReturnType<typeof placeRecord> & { readonly prefix: Buffer; readonly needed: number } {
  const prefix = shardPrefix(query.space, query.kind, shard);
  const placement = placeRecord(context, prefix);
  return { ...placement, prefix, needed: majorityOf(placement.members.length) };
}

interface Wanted {
  readonly shard: number;
  readonly message: CountedShard;
}

/** Asks each device once for all the shards that are wanted of it: at first a majority of each shard's members, then all. */
async function ask(
  context: ClusterContext,
  query: CountQuery,
  shards: readonly number[],
  attempt: number,
): Promise<{ answers: Map<number, Answers>; failure: HoldfastError | undefined }> {
  const turn = context.randomness.below(1 << 16);
  const wanted = new Map<DeviceId, Wanted[]>();
  for (const shard of shards) {
    const { members, route, prefix, needed } = voters(context, query, shard);
    for (const index of preferred(members.length, turn).slice(0, attempt === 0 ? needed : members.length)) {
      const device = members[index] as DeviceId;
      const list = wanted.get(device) ?? [];
      wanted.set(device, list);
      list.push({ shard, message: { route, shard: prefix } });
    }
  }
  const answers = new Map<number, Answers>(shards.map((shard) => [shard, new Map()]));
  let failure: HoldfastError | undefined;
  const asked = Array.from(wanted, async ([device, list]) => {
    for (let at = 0; at < list.length; at += COUNT_SHARDS_MAX) {
      const part = list.slice(at, at + COUNT_SHARDS_MAX);
      // A device has one request at a time.
      const reply = await askDevice(context, device, part);
      if (reply.type === 'failed') failure = reply.error;
      if (reply.type !== 'counts') return;
      reply.sums.forEach((sums, index) => answers.get(part[index]?.shard ?? -1)?.set(device, sums));
    }
  });
  await Promise.all(asked);
  return { answers, failure };
}

function askDevice(context: ClusterContext, device: DeviceId, wanted: readonly Wanted[]): Promise<NodeReply> {
  const message = encodeCount({ type: 'count', shards: wanted.map((each) => each.message) });
  return new Promise((resolve) => context.nodes.client(device, 'small').request(device, message, resolve));
}

function agreedSums(answers: readonly SumsOfShard[], needed: number): SumsOfShard | undefined {
  return answers.find(({ digest }) => answers.filter((other) => other.digest === digest).length >= needed);
}

/**
 * The replicas differ time and again: one of them is behind, or the shard is written to all the time. A small one is counted by its rows. Of
 * a large one the largest answers are given: each replica may lack something else, and what is counted for a limit is rather too much
 * than too little.
 */
async function settle(
  shard: number,
  answers: readonly SumsOfShard[],
  { recount, mend }: Disagreement,
): Promise<Counted> {
  const objects = Math.max(...answers.map((answer) => answer.objects));
  if (objects <= RECOUNT_OBJECTS_MAX) return recount(shard);
  mend(shard);
  return { objects, bytes: Math.max(...answers.map((answer) => answer.bytes)) };
}

async function pause(
  context: ClusterContext,
  failure: HoldfastError | undefined,
  deadlineMs: number,
): Promise<void> {
  if (hasCode(failure, 'ring-outdated')) context.ringOutdated?.();
  if (context.clock.monotonicMs() >= deadlineMs) {
    throw new HoldfastError('quorum-unavailable', undefined, { cause: failure });
  }
  const pauseMs = failure === undefined ? PAUSE_MS : UNAVAILABLE_PAUSE_MS;
  await new Promise<void>((resolve) => context.clock.after(pauseMs, resolve));
}
