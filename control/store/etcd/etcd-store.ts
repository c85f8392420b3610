/** The control store in etcd: docs/formats/control-store.md, "`etcd`". */
import { ETCD_PREFIX_DEFAULT } from '#common/config/etcd-config.ts';
import { hasCode, HoldfastError } from '#common/errors.ts';
import type { Clock } from '#common/io/clock.ts';
import { after, checkRange, type KeyRange } from '../key-range.ts';
import type {
  Entry,
  Lease,
  LeaseId,
  RangeOptions,
  RangeResult,
  Store,
  Transaction,
  TransactionResult,
  Watch,
} from '../store.ts';
import { checkLimit, checkRevision, checkTransaction, checkTtl } from '../transaction-check.ts';
import { EtcdConnection } from './etcd-connection.ts';
import { type EtcdMethods, loadEtcdMethods, type WireRangeResponse } from './etcd-messages.ts';
import { checkPrefix, type EtcdOptions } from './etcd-options.ts';
import { EtcdCodec, integer } from './etcd-transaction.ts';
import { EtcdWatch } from './etcd-watch.ts';
import { keepAliveOnce } from './etcd-keep-alive.ts';

/** Entries asked for at once: a long range is read in pages of one revision, none too large for a message. */
const PAGE_ENTRIES = 400;

/** @throws `configuration-invalid`. Whether etcd can be reached is seen by the first call. */
export function openEtcdStore(options: EtcdOptions, clock: Clock): Store {
  return new EtcdStore(options, clock);
}

class EtcdStore implements Store {
  readonly #methods: EtcdMethods;
  readonly #connection: EtcdConnection;
  readonly #codec: EtcdCodec;
  readonly #clock: Clock;
  readonly #watches = new Set<Watch>();

  constructor(options: EtcdOptions, clock: Clock) {
    const prefix = options.prefix ?? ETCD_PREFIX_DEFAULT;
    checkPrefix(prefix);
    this.#methods = loadEtcdMethods();
    this.#connection = new EtcdConnection(this.#methods, options, clock);
    this.#codec = new EtcdCodec(prefix);
    this.#clock = clock;
  }

  async transact(transaction: Transaction): Promise<TransactionResult> {
    checkTransaction(transaction);
    const changes = [...transaction.then, ...(transaction.otherwise ?? [])].some(
      ({ kind }) => kind !== 'range',
    );
    const message = this.#codec.transaction(transaction);
    const repetition = changes ? 'once' : 'repeatable';
    return this.#codec.result(await this.#connection.call(this.#methods.transaction, message, repetition));
  }

  async range(range: KeyRange, options: RangeOptions = {}): Promise<RangeResult> {
    checkRange(range);
    checkLimit(options.limit);
    checkRevision(options.revision);
    const limit = options.limit ?? Number.POSITIVE_INFINITY;
    const first = await this.#page(range, Math.min(limit, PAGE_ENTRIES), options.revision ?? 0);
    const revision = options.revision ?? integer(first.header?.revision ?? '0');
    const entries: Entry[] = first.kvs.map((one) => this.#codec.entry(one));
    let { more } = first;
    while (more && entries.length < limit) {
      const rest = after((entries.at(-1) as Entry).key, range);
      const page = await this.#page(rest, Math.min(limit - entries.length, PAGE_ENTRIES), revision);
      if (page.kvs.length === 0) throw new HoldfastError('protocol-violation', 'etcd ended a range early');
      for (const one of page.kvs) entries.push(this.#codec.entry(one));
      more = page.more;
    }
    return { revision, entries, more };
  }

  watch(range: KeyRange, fromRevision: number): Watch {
    checkRange(range);
    checkRevision(fromRevision);
    const watch: Watch = new EtcdWatch(
      {
        connection: this.#connection,
        methods: this.#methods,
        codec: this.#codec,
        clock: this.#clock,
        onEnd: () => this.#watches.delete(watch),
      },
      range,
      fromRevision,
    );
    this.#watches.add(watch);
    return watch;
  }

  async grantLease(ttlSeconds: number): Promise<Lease> {
    checkTtl(ttlSeconds);
    // One that was granted and not heard of ends by itself.
    const granted = await this.#connection.call(this.#methods.leaseGrant, { TTL: ttlSeconds }, 'repeatable');
    if (granted.error !== '') throw new HoldfastError('request-refused', `etcd: ${granted.error}`);
    return { id: granted.ID as LeaseId, ttlSeconds: integer(granted.TTL) };
  }

  async keepAlive(lease: LeaseId): Promise<void> {
    await keepAliveOnce(this.#connection, this.#methods, this.#clock, lease);
  }

  async revokeLease(lease: LeaseId): Promise<void> {
    await this.#connection.call(this.#methods.leaseRevoke, { ID: lease }, 'repeatable');
  }

  async compact(revision: number): Promise<void> {
    checkRevision(revision);
    try {
      await this.#connection.call(this.#methods.compact, { revision }, 'repeatable');
    } catch (error) {
      if (!hasCode(error, 'revision-compacted')) throw error;
    }
  }

  async close(): Promise<void> {
    for (const watch of [...this.#watches]) watch.close();
    this.#connection.close();
  }

  #page(range: KeyRange, limit: number, revision: number): Promise<WireRangeResponse> {
    const message = { ...this.#codec.range(range), limit, revision };
    return this.#connection.call(this.#methods.range, message, 'repeatable');
  }
}
