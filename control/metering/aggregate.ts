/** Makes hourly sums of what proxies have noted: docs/formats/metering-record.md, "Hourly sums". */
import type { Cluster } from '#cluster/cluster.ts';
import { type RecordKey, recordKinds } from '#common/codec/record-key.ts';
import { errorText } from '#common/errors.ts';
import { inParallel } from '#common/in-parallel.ts';
import type { SpaceId } from '#common/ids.ts';
import type { Clock, Timer } from '#common/io/clock.ts';
import type { Logger } from '#common/log/logger.ts';
import {
  type Hour,
  hourOf,
  laterHour,
  parseHour,
  sampleKey,
  trafficKey,
} from '../protocol/metering-record.ts';
import { getEntry, put } from '../store/operations.ts';
import type { Store } from '../store/store.ts';
import { type HourlyUsage, noUsage, THROUGH_KEY } from './hourly-usage.ts';
import { isReadable, meteringRows, type MeteringRow, samplesOf, trafficOf } from './metering-rows.ts';
import { moveSums } from './move-sums.ts';
import { UsageSums } from './usage-sums.ts';

const PASS_MS = 60_000;
/** How far back of the last pass the next one begins: proxies may be late. */
const AGAIN_HOURS = 2;
/** And the first pass of each hour: a proxy that cannot write keeps what it counts for a day. */
const LATE_HOURS = 25;
/** How long a proxy's records stay. */
const KEPT_HOURS = 7 * 24;
/** How old a sample may be that stands for an hour without one. */
const SAMPLE_AGE_HOURS_MAX = 24;
const CONCURRENT_MAX = 8;
/** Of each kind of record. */
const REMOVED_IN_A_PASS_MAX = 10_000;

export interface AggregatorParts {
  readonly cluster: Pick<Cluster, 'listings' | 'records'>;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Aggregator {
  readonly #parts: AggregatorParts;
  readonly #sums: UsageSums;
  #isMoved = false;
  #timer: Timer | undefined;
  #running: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(parts: AggregatorParts) {
    this.#parts = parts;
    this.#sums = new UsageSums(parts.cluster);
  }

  start(): void {
    this.#running = this.#pass().finally(() => {
      if (!this.#isClosed) this.#timer = this.#parts.clock.after(PASS_MS, () => this.start());
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#running;
  }

  /** Goes over every hour that may have changed. May be done by several at once, and be cut off anywhere. */
  async aggregate(): Promise<void> {
    const { store, clock, cluster, log } = this.#parts;
    if (!this.#isMoved) await moveSums({ store, cluster, log }, () => this.#isClosed);
    this.#isMoved = true;
    const present = hourOf(clock.nowMs());
    const through = parseHour((await getEntry(store, THROUGH_KEY))?.value.toString() ?? '')?.hour;
    const back = through === present ? AGAIN_HOURS : LATE_HOURS;
    const first = through === undefined ? await this.#firstHour(present) : laterHour(through, -back);
    if (through !== present) this.#sums.forget();
    // Of a long absence, or of a clock that was years behind, most hours have no records, nor anything that the one before them tells.
    const carried = laterHour(first, back + SAMPLE_AGE_HOURS_MAX);
    const known = carried < present ? await this.#firstHour(present) : first;
    for (let hour = first; hour <= present; hour = laterHour(hour, 1)) {
      if (this.#isClosed) return;
      if (hour > carried && hour < known) hour = known;
      await this.#sumUp(hour, hour < present);
    }
    if (through !== present) await store.transact({ then: [put(THROUGH_KEY, Buffer.from(present))] });
    await this.#removeBefore(laterHour(present, -KEPT_HOURS));
  }

  /** The first of which anything is known: the hours before it have no sums, and are many where everything is new. */
  async #firstHour(present: Hour): Promise<Hour> {
    let first = present;
    for (const kind of [recordKinds.traffic, recordKinds.storageSample]) {
      for await (const { name } of meteringRows(this.#parts.cluster, kind, '')) {
        const hour = parseHour(name.split('/')[0] ?? '')?.hour;
        if (hour === undefined) continue;
        if (hour < first) first = hour;
        break;
      }
    }
    return first;
  }

  async #pass(): Promise<void> {
    try {
      await this.aggregate();
    } catch (error) {
      this.#parts.log.warn('usage could not be summed up', { problem: errorText(error) });
    }
  }

  async #sumUp(hour: Hour, isOver: boolean): Promise<void> {
    const { cluster } = this.#parts;
    const skipped = ({ name }: MeteringRow): void =>
      this.#parts.log.warn('a record of usage cannot be read, and is left out', { record: name });
    const [traffic, samples] = await Promise.all([
      trafficOf(cluster, hour, skipped),
      samplesOf(cluster, hour, skipped),
    ]);
    const accounts = new Set<SpaceId>([...traffic.keys(), ...samples.keys()]);
    if (isOver)
      for await (const { account } of meteringRows(cluster, recordKinds.meteredAccount, ''))
        accounts.add(account);
    await inParallel(accounts, CONCURRENT_MAX, async (account) => {
      const held = await this.#heldIn(hour, account, samples, isOver);
      const { requests, bytesIn, bytesOut } = traffic.get(account) ?? noUsage;
      await this.#sums.write(account, hour, { ...noUsage, ...held, requests, bytesIn, bytesOut });
    });
  }

  /** The hour's own sample, or the one that the hour before it went by. */
  async #heldIn(
    hour: Hour,
    account: SpaceId,
    samples: ReadonlyMap<SpaceId, { bytes: number; objects: number; containers: number }>,
    isOver: boolean,
  ): Promise<Partial<HourlyUsage>> {
    const sample = samples.get(account);
    if (sample !== undefined) {
      const { bytes, objects, containers } = sample;
      return { bytes, objects, containers, byteHours: bytes, sampleAgeHours: 0 };
    }
    const before = await this.#sums.read(account, laterHour(hour, -1));
    if (before === undefined) return {};
    const { bytes, objects, containers, sampleAgeHours } = before;
    if (sampleAgeHours === null || sampleAgeHours >= SAMPLE_AGE_HOURS_MAX) return {};
    // An hour that is not over may yet have a sample of its own.
    const byteHours = isOver ? bytes : 0;
    return { bytes, objects, containers, byteHours, sampleAgeHours: sampleAgeHours + 1 };
  }

  /** What cannot be read stays, for who can. */
  async #removeBefore(hour: Hour): Promise<void> {
    for (const kind of [recordKinds.traffic, recordKinds.storageSample] as const) {
      const keys: RecordKey[] = [];
      for await (const row of meteringRows(this.#parts.cluster, kind, '')) {
        const [named = '', , run = ''] = row.name.split('/');
        const rowHour = parseHour(named)?.hour;
        if (rowHour === undefined || rowHour >= hour || keys.length === REMOVED_IN_A_PASS_MAX) break;
        if (!isReadable(row)) continue;
        const { account } = row;
        keys.push(
          kind === recordKinds.traffic ? trafficKey(rowHour, account, run) : sampleKey(rowHour, account),
        );
      }
      await inParallel(keys, CONCURRENT_MAX, async (key) => {
        if (this.#isClosed) return;
        await this.#parts.cluster.records.mutate(key, (current) => ({
          action: current === undefined ? 'keep' : 'remove',
          result: undefined,
        }));
      });
    }
  }
}
