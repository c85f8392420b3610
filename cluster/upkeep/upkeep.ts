/**
 * What the sweep needs of the cluster: to go over devices, whatever partition their things are of, and to take away what is not needed.
 * Background work: one request at a time, and no retries but the next pass.
 */
import type { Ballot } from '#common/ballot.ts';
import { sameBallot } from '#common/ballot.ts';
import { type RecordKey, recordKinds } from '#common/codec/record-key.ts';
import type { BlobId, DeviceId } from '#common/ids.ts';
import { encodeBlobDelete } from '#storage-node/protocol/messages/blob.ts';
import {
  type Blobs,
  LIST_BLOBS_MAX,
  type ListedBlob,
  encodeListBlobs,
} from '#storage-node/protocol/messages/list-blobs.ts';
import type { EncodedMessage } from '#storage-node/protocol/messages/message.ts';
import { encodePurge } from '#storage-node/protocol/messages/purge.ts';
import { encodeRead } from '#storage-node/protocol/messages/read.ts';
import { type Walked, type WalkedRow, encodeWalk } from '#storage-node/protocol/messages/walk.ts';
import type { NodeReply } from '#storage-node/protocol/node-reply.ts';
import type { BodiesInProgress } from '../bodies/bodies-in-progress.ts';
import type { WriterLease } from '../bodies/writer-lease.ts';
import { WRITER_SPACE, decodeWriter, writerKey, writerOfStripe } from '../bodies/writer-record.ts';
import type { Listings, Records } from '../cluster.ts';
import { type ClusterContext, type Placement, placeBlob, placeRecord } from '../context.ts';

export type { ListedBlob, WalkedRow };

const BLOBS_AT_ONCE = 200;
const WRITERS_MAX = 10_000;
/** After so many leases without renewal a writer's record is of no use to anybody. */
const FORGOTTEN_LEASES = 24;

/** Which processes are alive, as their records say. */
export interface LivingWriters {
  /** Whether this process is the one that takes on what belongs to no living one. */
  readonly isFirst: boolean;
  /** Whether this process may sweep the stripe, when nothing refers to it. */
  maySweep(id: BlobId): boolean;
}

export interface UpkeepParts {
  readonly context: ClusterContext;
  readonly records: Records;
  readonly listings: Listings;
  readonly lease: WriterLease;
  readonly inProgress: BodiesInProgress;
}

export class Upkeep {
  readonly #parts: UpkeepParts;

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
  }

  /** The age from which on something unreferenced may be swept; the lease of a writer too. */
  get graceMs(): number {
    return this.#parts.lease.leaseMs;
  }

  /** Makes this process one of the living. */
  start(): void {
    this.#parts.lease.start();
  }

  get devices(): DeviceId[] {
    return this.#parts.context.ring.devices.flatMap((device) => (device === undefined ? [] : [device.id]));
  }

  /** Reads who is alive, and removes the records of those that have been dead for long. */
  async livingWriters(): Promise<LivingWriters> {
    const { listings, records, lease, inProgress, context } = this.#parts;
    const nowMs = context.clock.nowMs();
    const page = await listings.list({
      space: WRITER_SPACE,
      kind: recordKinds.writer,
      shards: 1,
      prefix: '',
      delimiter: '',
      limit: WRITERS_MAX,
    });
    const living = new Set<string>([lease.name]);
    for (const entry of page.entries) {
      if (entry.type !== 'row') continue;
      const { renewedMs, leaseMs } = decodeWriter(entry.summary);
      if (nowMs - renewedMs <= leaseMs) living.add(entry.name);
      else if (nowMs - renewedMs > FORGOTTEN_LEASES * leaseMs)
        await forgetWriter(records, entry.name, entry.ballot);
    }
    const isFirst = [...living].toSorted()[0] === lease.name;
    return {
      isFirst,
      maySweep: (id) => {
        const writer = writerOfStripe(id);
        if (writer === lease.name) return !inProgress.has(id);
        return isFirst && !living.has(writer);
      },
    };
  }

  /** In order of ids. Throws what the node answers. */
  async listBlobs(device: DeviceId, after: BlobId | undefined): Promise<Blobs> {
    const limit = Math.min(BLOBS_AT_ONCE, LIST_BLOBS_MAX);
    const reply = await this.#ask(device, encodeListBlobs({ type: 'listBlobs', after, limit }));
    if (reply.type !== 'blobs') throw failureOf(reply);
    return reply;
  }

  /** What a replica says of one blob; undefined when none that answers has it. */
  async findBlob(id: BlobId): Promise<ListedBlob | undefined> {
    const before = (BigInt(`0x${id}`) - 1n).toString(16).padStart(id.length, '0') as BlobId;
    for (const device of placeBlob(this.#parts.context, id).devices) {
      // One after the other: the first usually has it.
      const message = encodeListBlobs({ type: 'listBlobs', after: before, limit: 1 });
      const reply = await this.#ask(device, message);
      if (reply.type === 'blobs' && reply.blobs[0]?.id === id) return reply.blobs[0];
    }
    return undefined;
  }

  /** Whether every member that could have it has answered that it is gone. */
  async deleteBlob(id: BlobId): Promise<boolean> {
    const placement = placeBlob(this.#parts.context, id);
    const replies = await this.#askAll(placement, encodeBlobDeleteTo(id));
    return replies.every((reply) => reply.type === 'blobDeleted');
  }

  /** @param clock of ballots: rows from there on are left out. @param kinds of which living rows are wanted too. */
  async walk(device: DeviceId, from: Buffer, clock: number, kinds: readonly number[]): Promise<Walked> {
    const reply = await this.#ask(device, encodeWalk({ type: 'walk', from, clock, kinds }));
    if (reply.type !== 'walked') throw failureOf(reply);
    return reply;
  }

  /**
   * Forgets a tombstone when every member shows it under one ballot: docs/formats/register.md, "A tombstone's end". Whether
   * it is gone everywhere.
   */
  async reclaim(key: RecordKey, ballot: Ballot): Promise<boolean> {
    const placement = placeRecord(this.#parts.context, key);
    // While a device joins, who all the members are is not settled.
    if (placement.devices.length !== placement.members.length) return false;
    const shown = await this.#askAll(placement, ({ route }) =>
      encodeRead({ type: 'read', route, key, ballotOnly: true }),
    );
    const held = shown.every(
      (reply) =>
        reply.type === 'ballot' &&
        !reply.live &&
        reply.ballot !== undefined &&
        sameBallot(reply.ballot, ballot),
    );
    if (!held) return false;
    const purged = await this.#askAll(placement, ({ route }) =>
      encodePurge({ type: 'purge', route, key, ballot }),
    );
    return purged.every((reply) => reply.type === 'purged');
  }

  #askAll(placement: Placement, encode: (placement: Placement) => EncodedMessage): Promise<NodeReply[]> {
    return Promise.all(placement.devices.map((device) => this.#ask(device, encode(placement))));
  }

  #ask(device: DeviceId, message: EncodedMessage): Promise<NodeReply> {
    const client = this.#parts.context.nodes.client(device, 'small');
    return new Promise((resolve) => client.request(device, message, resolve));
  }
}

function encodeBlobDeleteTo(id: BlobId): (placement: Placement) => EncodedMessage {
  return ({ route }) => encodeBlobDelete({ route, id });
}

function failureOf(reply: NodeReply): Error {
  return reply.type === 'failed'
    ? reply.error
    : new Error(`an answer of type ${reply.type} to another question`);
}

async function forgetWriter(records: Records, name: string, ballot: Ballot): Promise<void> {
  await records.mutate(writerKey(name), (current) =>
    current !== undefined && sameBallot(current.ballot, ballot)
      ? { action: 'remove', result: undefined }
      : { action: 'keep', result: undefined },
  );
}
