/** Counts what projects have of what the control store holds, in the transaction that changes it: docs/formats/quota-store.md. */
import { HoldfastError } from '#common/errors.ts';
import { UNLIMITED } from '../protocol/quota-record.ts';
import { single } from '../store/key-range.ts';
import { isAsRead, put, read } from '../store/operations.ts';
import type {
  Comparison,
  Entry,
  Operation,
  OperationResult,
  Store,
  TransactionResult,
} from '../store/store.ts';
import { type Amounts, type CountedQuotaName, countedQuotaNames, countedQuotas } from './quota-catalogue.ts';
import { DEFAULT_LIMITS_KEY, decodeAmounts, encodeAmounts, limitsKey, usedKey } from './quota-entries.ts';

/** Times that a charge begins anew because another process came between. */
const ATTEMPTS_MAX = 256;

/** Nothing has been done. */
export class QuotaExceeded extends HoldfastError {
  readonly quota: CountedQuotaName;
  readonly limit: number;
  readonly used: number;
  readonly requested: number;

  constructor(quota: CountedQuotaName, limit: number, used: number, requested: number) {
    super(
      'quota-exceeded',
      `the quota of ${quota} is ${limit}, ${used} are used, ${requested} more are too many`,
    );
    this.quota = quota;
    this.limit = limit;
    this.used = used;
    this.requested = requested;
  }
}

export interface Charge {
  readonly project: string;
  /** What the project has more by it; negative for what it gives back. */
  readonly change: Amounts;
  /** What the caller goes by besides: when it does not hold, nothing is done. */
  readonly compare?: readonly Comparison[];
  /** What is done with it, such as the entry of the new volume. */
  readonly then: readonly Operation[];
}

export class QuotaLedger {
  readonly #store: Store;
  /** The last charge of each project that is under way here. */
  readonly #last = new Map<string, Promise<unknown>>();

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * All or nothing: what `then` does, and the project's figures. `succeeded` is false when `compare` did not hold.
   * `results` are those of `then`. Throws QuotaExceeded, and what the store throws.
   */
  async charge(charge: Charge): Promise<TransactionResult> {
    const before = this.#last.get(charge.project) ?? Promise.resolve();
    const charged = before.then(() => this.#charge(charge));
    const settled = charged.catch(() => {});
    this.#last.set(charge.project, settled);
    try {
      return await charged;
    } finally {
      if (this.#last.get(charge.project) === settled) this.#last.delete(charge.project);
    }
  }

  /**
   * A charge as a part of somebody else's transaction, which has to be made anew, with another one of these, when its comparison does not
   * hold. Throws QuotaExceeded.
   */
  async part(project: string, change: Amounts): Promise<Required<Pick<Charge, 'compare' | 'then'>>> {
    const { results } = await this.#store.transact({ then: readStanding(project) });
    const standing = standingIn(project, results);
    const used = changed(standing, change);
    return { compare: standing.compare, then: [put(usedKey(project), encodeAmounts(used))] };
  }

  /** What a project has, and what it may have; -1 is no limit. */
  async standing(project: string): Promise<Record<CountedQuotaName, { used: number; limit: number }>> {
    const { results } = await this.#store.transact({ then: readStanding(project) });
    const standing = standingIn(project, results);
    const each = (name: CountedQuotaName) => [
      name,
      { used: standing.used[name] ?? 0, limit: limitOf(standing, name) },
    ];
    return Object.fromEntries(countedQuotaNames.map(each)) as Record<
      CountedQuotaName,
      { used: number; limit: number }
    >;
  }

  async #charge({ project, change, compare = [], then }: Charge): Promise<TransactionResult> {
    const first = await this.#store.transact({ then: readStanding(project) });
    let standing = standingIn(project, first.results);
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
      const used = changed(standing, change);
      const done = await this.#store.transact({
        compare: [...standing.compare, ...compare],
        then: [...then, put(usedKey(project), encodeAmounts(used))],
        otherwise: readStanding(project),
      });
      if (done.succeeded) return { ...done, results: done.results.slice(0, -1) };
      const seen = standingIn(project, done.results);
      // Nobody has touched the quotas: it is the caller's own comparison that does not hold.
      if (isSame(seen, standing)) return { ...done, results: [] };
      standing = seen;
    }
    throw new HoldfastError('overloaded', 'too many change what the project has');
  }
}

interface Standing {
  readonly used: Amounts;
  readonly limits: Amounts;
  readonly defaults: Amounts;
  /** Holds as long as it is as it was read. */
  readonly compare: readonly Comparison[];
}

function keysOf(project: string): readonly [string, string, string] {
  return [usedKey(project), limitsKey(project), DEFAULT_LIMITS_KEY];
}

function readStanding(project: string): Operation[] {
  return keysOf(project).map((key) => read(single(key)));
}

function standingIn(project: string, results: readonly OperationResult[]): Standing {
  const entries = results.map((result): Entry | undefined =>
    result.kind === 'range' ? result.entries[0] : undefined,
  );
  const [used, limits, defaults] = entries.map((entry) => decodeAmounts(entry?.value));
  const compare = keysOf(project).map((key, at) => isAsRead(key, entries[at]));
  return { used: used ?? {}, limits: limits ?? {}, defaults: defaults ?? {}, compare };
}

function isSame(one: Standing, other: Standing): boolean {
  return JSON.stringify(one.compare) === JSON.stringify(other.compare);
}

function limitOf({ limits, defaults }: Standing, name: CountedQuotaName): number {
  return limits[name] ?? defaults[name] ?? countedQuotas[name].limit;
}

/** Throws QuotaExceeded. */
function changed(standing: Standing, change: Amounts): Amounts {
  const next: Partial<Record<CountedQuotaName, number>> = { ...standing.used };
  for (const name of countedQuotaNames) {
    const by = change[name] ?? 0;
    if (by === 0) continue;
    const used = standing.used[name] ?? 0;
    const limit = limitOf(standing, name);
    if (by > 0 && limit !== UNLIMITED && used + by > limit) throw new QuotaExceeded(name, limit, used, by);
    if (used + by < 0)
      throw new HoldfastError('invalid-argument', `more ${name} are given back than there are`);
    next[name] = used + by;
  }
  return next;
}
