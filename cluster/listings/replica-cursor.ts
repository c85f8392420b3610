/** One replica's rows of one shard, fetched a page at a time. */
import { HoldfastError } from '#common/errors.ts';
import type { DeviceId } from '#common/ids.ts';
import type { List, ListedRow } from '#storage-node/protocol/messages/list.ts';
import type { Route } from '#storage-node/protocol/messages/message.ts';
import type { NodeAccess } from '#storage-node/protocol/node-access.ts';
import type { NodeReply } from '#storage-node/protocol/node-reply.ts';

export interface ShardRange {
  readonly route: Route;
  /** The 19 bytes that every key of the shard begins with. */
  readonly shardPrefix: Buffer;
  /** Names from here on. */
  readonly from: Buffer;
  /** Names below this; all of the shard's when empty. */
  readonly to: Buffer;
  readonly foldOffset: number;
  readonly delimiter: Buffer;
}

/** Sorts behind every name that begins with what it is appended to. */
const LAST = Buffer.of(0xff);

export class ReplicaCursor {
  readonly #client: NodeAccess;
  readonly device: DeviceId;
  readonly #range: ShardRange;
  readonly #pageRows: number;
  #rows: readonly ListedRow[] = [];
  #at = 0;
  #next: Buffer | undefined;

  constructor(client: NodeAccess, device: DeviceId, range: ShardRange, pageRows: number) {
    this.#client = client;
    this.device = device;
    this.#range = range;
    this.#pageRows = pageRows;
    this.#next = range.from;
  }

  /** The row under the cursor; undefined when the page is used up (see `needsPage`) or the range is. */
  get row(): ListedRow | undefined {
    return this.#rows[this.#at];
  }

  get needsPage(): boolean {
    return this.#at >= this.#rows.length && this.#next !== undefined;
  }

  advance(): void {
    this.#at += 1;
  }

  /** Moves behind every row below `name`. */
  skipTo(name: Buffer): void {
    while (this.#at < this.#rows.length && (this.#rows[this.#at] as ListedRow).name.compare(name) < 0)
      this.#at += 1;
    if (this.#next !== undefined && this.#next.compare(name) < 0) this.#next = name;
  }

  /** Fetches the next page; throws what the node answers. */
  async fetch(): Promise<void> {
    const from = this.#next;
    if (from === undefined) return;
    const { route, shardPrefix, to, foldOffset, delimiter } = this.#range;
    const list: List = {
      type: 'list',
      route,
      limit: this.#pageRows,
      from: Buffer.concat([shardPrefix, from]),
      to: Buffer.concat([shardPrefix, to.length === 0 ? LAST : to]),
      foldOffset,
      delimiter,
    };
    const reply = await new Promise<NodeReply>((resolve) => this.#client.list(this.device, list, resolve));
    if (reply.type === 'failed') throw reply.error;
    if (reply.type !== 'rows')
      throw new HoldfastError('protocol-violation', 'a listing was not answered by rows');
    this.#rows = reply.rows;
    this.#at = 0;
    const last = reply.rows.at(-1);
    this.#next = reply.more && last !== undefined ? behind(last) : undefined;
  }
}

/** The first name that can follow a row. */
function behind(row: ListedRow): Buffer {
  return Buffer.concat([row.name, row.witness === undefined ? Buffer.of(0) : LAST]);
}
