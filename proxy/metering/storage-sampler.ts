/** Takes, once an hour, what each account holds: docs/formats/metering-record.md, "Samples". */
import type { Cluster, ListingStart } from '#cluster/cluster.ts';
import { recordKinds, type RecordKind } from '#common/codec/record-key.ts';
import { errorText } from '#common/errors.ts';
import type { SpaceId } from '#common/ids.ts';
import type { Clock, Timer } from '#common/io/clock.ts';
import type { Randomness } from '#common/io/randomness.ts';
import type { Logger } from '#common/log/logger.ts';
import {
  accountOfRow,
  encodeRow,
  type Hour,
  hourOf,
  METERING_SHARDS,
  METERING_SPACE,
  sampleKey,
} from '#control/protocol/metering-record.ts';
import { accountUsage } from '#control/protocol/account-usage.ts';

/** Proxies look at different moments, so that one of them usually finds everything done. */
const LOOK_MS_MIN = 60_000;
const LOOK_MS_SPREAD = 240_000;
const PAGE_ROWS = 1000;

export interface SamplerParts {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
}

export class StorageSampler {
  readonly #parts: SamplerParts;
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(parts: SamplerParts) {
    this.#parts = parts;
  }

  start(): void {
    const { clock, randomness } = this.#parts;
    this.#timer = clock.after(LOOK_MS_MIN + randomness.below(LOOK_MS_SPREAD), () => {
      this.#running = this.#look().finally(() => {
        if (!this.#isClosed) this.start();
      });
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#running;
  }

  /** Samples every account that has no sample of this hour yet. @returns how many it took. */
  async sample(): Promise<number> {
    const hour = hourOf(this.#parts.clock.nowMs());
    const sampled = new Set<SpaceId>();
    for await (const account of this.#accounts(recordKinds.storageSample, `${hour}/`)) sampled.add(account);
    let taken = 0;
    for await (const account of this.#accounts(recordKinds.meteredAccount, '')) {
      if (this.#isClosed) return taken;
      if (sampled.has(account)) continue;
      await this.#take(hour, account);
      taken += 1;
    }
    return taken;
  }

  async #look(): Promise<void> {
    try {
      await this.sample();
    } catch (error) {
      this.#parts.log.warn('what accounts hold could not be sampled', { problem: errorText(error) });
    }
  }

  async #take(hour: Hour, account: SpaceId): Promise<void> {
    const { cluster, clock } = this.#parts;
    const { bytes, objects, containers } = await accountUsage(cluster, account);
    const sample = { bytes, objects, containers, sampledMs: clock.nowMs() };
    await cluster.records.mutate(sampleKey(hour, account), (current) =>
      current === undefined
        ? { action: 'write', ...encodeRow(sample), result: undefined }
        : { action: 'keep', result: undefined },
    );
  }

  async *#accounts(kind: RecordKind, prefix: string): AsyncGenerator<SpaceId> {
    let start: ListingStart | undefined;
    for (;;) {
      const page = await this.#parts.cluster.listings.list({
        space: METERING_SPACE,
        kind,
        shards: METERING_SHARDS,
        prefix,
        delimiter: '',
        limit: PAGE_ROWS,
        ...(start === undefined ? undefined : { start }),
      });
      for (const entry of page.entries) {
        if (entry.type !== 'row') continue;
        start = { after: entry.name };
        const account = accountOfRow(entry.name);
        if (account !== undefined) yield account;
      }
      if (!page.more) return;
    }
  }
}
