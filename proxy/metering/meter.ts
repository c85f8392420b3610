/** Counts what each account uses, and writes it to the cluster: docs/formats/metering-record.md, "Traffic". */
import type { Cluster } from '#cluster/cluster.ts';
import { errorText } from '#common/errors.ts';
import type { SpaceId } from '#common/ids.ts';
import type { Clock, Timer } from '#common/io/clock.ts';
import type { Randomness } from '#common/io/randomness.ts';
import type { Logger } from '#common/log/logger.ts';
import {
  accountRowKey,
  decodeTraffic,
  encodeRow,
  type Hour,
  hourOf,
  laterHour,
  trafficKey,
} from '#control/protocol/metering-record.ts';
import type {
  FinishedRequest,
  RequestTrace,
  TrafficListener,
  TransferredBytes,
} from '#proxy/traffic/request-trace.ts';
import { classOf, isCharged, Tally } from './tally.ts';

/** What a crash may lose. */
export const FLUSH_MS = 10_000;
/** How long the end of the process waits for the last of it. */
const CLOSE_MS_MAX = 3000;
/** How long what cannot be written is kept. */
const KEPT_HOURS = 24;
const TALLIES_MAX = 100_000;
const CONCURRENT_MAX = 8;
const HOUR_MS = 3_600_000;

export interface MeterParts {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
}

export class Meter implements TrafficListener {
  readonly #parts: MeterParts;
  /** Of this process's life, or of its last stretch in which the clock went forwards only. */
  #run: string;
  /** The last in which it has counted, or forgotten what it had counted before. */
  #latest: Hour | undefined;
  readonly #tallies = new Map<string, Tally>();
  /** Those of the present hour, which begins here. */
  readonly #present = new Map<SpaceId, Tally>();
  #presentFromMs = 0;
  /** Accounts that are known to be among the metered ones. */
  readonly #registered = new Set<SpaceId>();
  #countOpen: () => void = () => {};
  #timer: Timer | undefined;
  #flushing: Promise<void> | undefined;
  #isClosed = false;

  constructor(parts: MeterParts) {
    this.#parts = parts;
    this.#run = newRun(parts.randomness);
  }

  /** @param countOpen has requests that are under way tell what they have carried so far. */
  start(countOpen: () => void): void {
    this.#countOpen = countOpen;
    this.#schedule();
  }

  /** Writes what is left; what cannot be written is told. Nothing is counted any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    // Without a majority of devices nothing is written, and the process is not to wait for one.
    const tooLong = new Promise<void>((resolve) => {
      this.#parts.clock.after(CLOSE_MS_MAX, resolve);
    });
    await Promise.race([Promise.resolve(this.#flushing).then(() => this.flush()), tooLong]);
    const lost = [...this.#tallies.values()].filter(({ isChanged }) => isChanged).length;
    if (lost > 0) this.#parts.log.warn('what was metered could not be written', { accounts: lost });
  }

  transferred(
    { account }: RequestTrace,
    { bytesIn, bytesOut }: TransferredBytes,
    status: number | undefined,
  ): void {
    if (account === undefined || (status !== undefined && !isCharged(status))) return;
    const tally = this.#tallyOf(account);
    if (tally === undefined) return;
    tally.bytesIn += bytesIn;
    tally.bytesOut += bytesOut;
    tally.isChanged = true;
  }

  finished({ trace, status }: FinishedRequest): void {
    if (trace.account === undefined || !isCharged(status)) return;
    const tally = this.#tallyOf(trace.account);
    if (tally === undefined) return;
    tally.requests[classOf(trace)] += 1;
    tally.isChanged = true;
  }

  /** Writes what has changed. What cannot be written now is tried again by the next flush. */
  async flush(): Promise<void> {
    this.#countOpen();
    const changed = [...this.#tallies.values()].filter(({ isChanged }) => isChanged);
    let failure: unknown;
    let next = 0;
    const work = async (): Promise<void> => {
      for (let tally = changed[next++]; tally !== undefined; tally = changed[next++]) {
        await this.#write(tally).catch((error: unknown) => {
          tally.isChanged = true;
          failure = error;
        });
      }
    };
    await Promise.all(Array.from({ length: CONCURRENT_MAX }, work));
    if (failure !== undefined)
      this.#parts.log.warn('metering is behind', { problem: errorText(failure), accounts: changed.length });
    this.#forgetPast();
  }

  async #write(tally: Tally): Promise<void> {
    const { cluster } = this.#parts;
    const { hour, account, run } = tally;
    tally.isChanged = false;
    const record = tally.next();
    await cluster.records.mutate(trafficKey(hour, account, run), (current) => {
      const isNewer = current !== undefined && decodeTraffic(current.summary).sequence >= record.sequence;
      return isNewer
        ? { action: 'keep', result: undefined }
        : { action: 'write', ...encodeRow(record), result: undefined };
    });
    if (this.#registered.has(account)) return;
    await cluster.records.mutate(accountRowKey(account), (current) =>
      current === undefined
        ? { action: 'write', ...encodeRow({}), result: undefined }
        : { action: 'keep', result: undefined },
    );
    this.#registered.add(account);
  }

  #tallyOf(account: SpaceId): Tally | undefined {
    const nowMs = this.#parts.clock.nowMs();
    if (nowMs < this.#presentFromMs || nowMs >= this.#presentFromMs + HOUR_MS) {
      this.#present.clear();
      this.#presentFromMs = nowMs - (nowMs % HOUR_MS);
    }
    const present = this.#present.get(account);
    if (present !== undefined) return present;
    const tally = this.#tallyIn(hourOf(nowMs), account);
    if (tally !== undefined) this.#present.set(account, tally);
    return tally;
  }

  #tallyIn(hour: Hour, account: SpaceId): Tally | undefined {
    const key = `${hour}/${account}`;
    const known = this.#tallies.get(key);
    if (known !== undefined || this.#isClosed || this.#tallies.size >= TALLIES_MAX) return known;
    // The clock was set back: what this run has written of that hour may be forgotten, and is not to be written over.
    if (this.#latest !== undefined && hour < this.#latest) this.#run = newRun(this.#parts.randomness);
    this.#latest = hour;
    const tally = new Tally(hour, account, this.#run);
    this.#tallies.set(key, tally);
    return tally;
  }

  /** Hours that are over and written, and those that could not be for too long. */
  #forgetPast(): void {
    const present = hourOf(this.#parts.clock.nowMs());
    if (this.#latest === undefined || present > this.#latest) this.#latest = present;
    const oldest = laterHour(present, -KEPT_HOURS);
    for (const [key, tally] of this.#tallies) {
      const { hour, account, isChanged } = tally;
      if (hour >= present || (isChanged && hour >= oldest)) continue;
      this.#tallies.delete(key);
      if (this.#present.get(account) === tally) this.#present.delete(account);
      if (isChanged) this.#parts.log.warn('what was metered is lost', { hour });
    }
  }

  #schedule(): void {
    this.#timer = this.#parts.clock.after(FLUSH_MS, () => {
      this.#flushing = this.flush().finally(() => {
        if (!this.#isClosed) this.#schedule();
      });
    });
  }
}

function newRun(randomness: Randomness): string {
  return randomness.bytes(8).toString('hex');
}
