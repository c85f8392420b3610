/** Runs one schedule of a whole cluster, and judges every record and every listing. */
import { setImmediate as turn } from 'node:timers/promises';
import { recordKey, recordKinds } from '#common/codec/record-key.ts';
import { HoldfastError } from '#common/errors.ts';
import { spaceId } from '#common/ids.ts';
import type { Decision, ListingQuery, StoredRecord } from '#cluster/cluster.ts';
import type { PlacementHash } from '#ring/placement-hash.ts';
import { isLinearizable } from '../linearizability.ts';
import { type Action, type Operation, type Outcome, applies, valueAfter } from '../operation.ts';
import { operationsByKey } from '../run-schedule.ts';
import { type ClusterParts, ClusterWorld, type Proxy, realParts } from './cluster-world.ts';
import { type ListingRun, asRead, canStand, claimsOf } from './listing-claims.ts';

const SPACE = spaceId('5a'.repeat(16));
const CALM_MS_MAX = 60_000;
const EMPTY = Buffer.alloc(0);

export interface ClusterResult {
  readonly seed: number;
  /** What is wrong, in words; undefined when nothing is. */
  readonly violation: string | undefined;
  /** The operations of the name that is wrong, and what listings have shown of it. */
  readonly history: readonly Operation[];
  readonly operations: number;
  readonly listings: number;
  readonly crashes: number;
  /** Members that another device has taken the place of. */
  readonly moves: number;
  /** Records that nodes had missed and were given. */
  readonly repairs: number;
}

export async function runClusterSchedule(
  seed: number,
  placement: PlacementHash,
  parts: ClusterParts = realParts,
): Promise<ClusterResult> {
  const world = new ClusterWorld(seed, parts, placement);
  const clients = new ClusterClients(world);
  const endMs = world.shape.calmAtMs + CALM_MS_MAX;
  let isFinal = false;
  // The nodes listen once what has been begun has run.
  await turn();
  while (world.timeline.nowMs < endMs && (!isFinal || clients.open > 0)) {
    if (world.isCalm && clients.open === 0 && !isFinal) {
      isFinal = true;
      clients.beginFinal();
    }
    if (!world.timeline.step()) break;
    // What the step has resolved runs before the next one, so that a seed is one order of events.
    await turn();
  }
  const { operations, listings } = clients;
  const figures = {
    seed,
    operations: operations.length,
    listings: listings.length,
    crashes: world.crashes,
    moves: world.rings.moves,
    repairs: world.repairs,
  };
  if (clients.open > 0) return { ...figures, violation: 'not live in the calm', history: [] };
  if (clients.failedInCalm !== undefined) return { ...figures, violation: clients.failedInCalm, history: [] };
  return { ...figures, ...judge(operations, listings, world.shape.names) };
}

function judge(
  operations: readonly Operation[],
  listings: readonly ListingRun[],
  names: readonly string[],
): Pick<ClusterResult, 'violation' | 'history'> {
  const all = [...operations];
  const folds: { readonly run: ListingRun; readonly prefix: string; readonly names: readonly string[] }[] =
    [];
  for (const run of listings) {
    try {
      for (const claim of claimsOf(run, names)) {
        if (claim.type === 'value') all.push(asRead(run, claim.name, claim.value));
        else folds.push({ run, prefix: claim.prefix, names: claim.names });
      }
    } catch (error) {
      return { violation: String(error), history: [] };
    }
  }
  const byName = operationsByKey(all);
  for (const [name, history] of byName) {
    if (!isLinearizable(history)) return { violation: `${name} is not linearizable`, history };
  }
  for (const { run, prefix, names: under } of folds) {
    if (canStand(run, under, byName)) continue;
    const history = under.flatMap((name) => byName.get(name) ?? []);
    return { violation: `nothing stood under ${prefix} in listing #${run.number}`, history };
  }
  return { violation: undefined, history: [] };
}

class ClusterClients {
  readonly operations: Operation[] = [];
  readonly listings: ListingRun[] = [];
  open = 0;
  /** What was refused although nothing was wrong any more. */
  failedInCalm: string | undefined;
  readonly #world: ClusterWorld;
  #begun = 0;
  #order = 0;

  constructor(world: ClusterWorld) {
    this.#world = world;
    const { shape, proxies, dice } = world;
    if (shape.isFilled) for (const name of shape.names) this.#operate(dice.pick(proxies), name, this.#put());
    for (const proxy of proxies) {
      for (let session = 0; session < shape.sessions; session += 1) this.#think(proxy);
    }
  }

  beginFinal(): void {
    const { shape, proxies, dice } = this.#world;
    const all = { space: SPACE, kind: recordKinds.object, shards: shape.shards, prefix: '', limit: 1000 };
    for (const proxy of proxies) {
      this.#list(proxy, { ...all, delimiter: '' });
      this.#list(proxy, { ...all, delimiter: '/' });
    }
    for (const name of shape.names) {
      this.#operate(dice.pick(proxies), name, { type: 'read' });
      this.#operate(dice.pick(proxies), name, this.#put());
    }
  }

  #think(proxy: Proxy): void {
    const { timeline, dice, shape } = this.#world;
    timeline.after(dice.exponential(shape.thinkMs), () => {
      if (this.#world.isCalm || this.#begun >= shape.operationsMax) return;
      const again = (): void => this.#think(proxy);
      if (dice.chance(shape.listingShare)) this.#list(proxy, this.#drawQuery(), again);
      else this.#operate(proxy, dice.pick(shape.names), this.#drawAction(), again);
    });
  }

  #put(): Action {
    return { type: 'put', value: `v${this.#begun}` };
  }

  #drawAction(): Action {
    const share = this.#world.dice.below(100);
    if (share < 15) return { type: 'read' };
    if (share < 55) return this.#put();
    if (share < 85) return { type: 'remove' };
    return { type: 'putIfAbsent', value: `v${this.#begun}` };
  }

  #drawQuery(): ListingQuery {
    const { dice, shape } = this.#world;
    const query = {
      space: SPACE,
      kind: recordKinds.object,
      shards: shape.shards,
      prefix: dice.pick(['', '', '', 'b/', 'c/', 'x/']),
      delimiter: dice.pick(['', '/', '/']),
      limit: dice.pick([1, 2, 3, 1000, 1000]),
    };
    if (dice.chance(0.7)) return query;
    const name = dice.pick(shape.names);
    return {
      ...query,
      start: dice.pick([{ after: name }, { from: name }, { afterPrefix: name.slice(0, 2) }]),
    };
  }

  #begin(): Pick<Operation, 'number' | 'invokedAt' | 'invokedMs'> {
    const number = this.#begun;
    this.#begun += 1;
    this.open += 1;
    return { number, invokedAt: this.#tick(), invokedMs: this.#world.timeline.nowMs };
  }

  #tick(): number {
    this.#order += 1;
    return this.#order;
  }

  #operate(proxy: Proxy, name: string, action: Action, then?: () => void): void {
    const { dice } = this.#world;
    const isCalm = this.#world.isCalm;
    const operation: Operation = {
      ...this.#begin(),
      client: proxy.name,
      key: name,
      action,
      answeredAt: undefined,
      answeredMs: undefined,
      outcome: undefined,
      failure: undefined,
      withoutEffect: false,
    };
    this.operations.push(operation);
    const ended = (outcome: Outcome | undefined): void => {
      operation.answeredAt = this.#tick();
      operation.answeredMs = this.#world.timeline.nowMs;
      operation.outcome = outcome;
      this.open -= 1;
      then?.();
    };
    perform(proxy, keyOf(name, this.#world.shape.shards), action, dice.chance(0.5)).then(
      ended,
      (error: unknown) => {
        operation.failure = String(error);
        operation.withoutEffect = !(error instanceof HoldfastError && error.code === 'outcome-unknown');
        if (isCalm) this.failedInCalm = `${name}: ${operation.failure}`;
        ended(undefined);
      },
    );
  }

  #list(proxy: Proxy, query: ListingQuery, then?: () => void): void {
    const isCalm = this.#world.isCalm;
    const begun = this.#begin();
    proxy.listings.list(query).then(
      (page) => {
        const answered = { answeredAt: this.#tick(), answeredMs: this.#world.timeline.nowMs };
        this.listings.push({ ...begun, ...answered, client: proxy.name, query, page });
        this.open -= 1;
        then?.();
      },
      (error: unknown) => {
        if (isCalm) this.failedInCalm = `a listing: ${String(error)}`;
        this.open -= 1;
        then?.();
      },
    );
  }
}

function keyOf(name: string, shards: number): ReturnType<typeof recordKey> {
  return recordKey(SPACE, recordKinds.object, (name.codePointAt(name.length - 1) ?? 0) % shards, name);
}

/** Thrown out of a decision whose condition fails. */
class ConditionFailed extends Error {
  readonly outcome: Outcome;

  constructor(outcome: Outcome) {
    super('the condition failed');
    this.outcome = outcome;
  }
}

async function perform(
  proxy: Proxy,
  key: ReturnType<typeof recordKey>,
  action: Action,
  throwsRefusal: boolean,
): Promise<Outcome> {
  if (action.type === 'read') {
    return { found: (await proxy.records.read(key))?.summary.toString(), applied: false };
  }
  try {
    return await proxy.records.mutate(key, (current) => decide(current, action, throwsRefusal));
  } catch (error) {
    if (error instanceof ConditionFailed) return error.outcome;
    throw error;
  }
}

function decide(
  current: StoredRecord | undefined,
  action: Action,
  throwsRefusal: boolean,
): Decision<Outcome> {
  const found = current?.summary.toString();
  const applied = applies(action, found);
  const result = { found, applied };
  if (!applied && throwsRefusal) throw new ConditionFailed(result);
  if (!applied) return { action: 'keep', result };
  const value = valueAfter(action);
  if (value === undefined) return { action: 'remove', result };
  return { action: 'write', summary: Buffer.from(value), content: EMPTY, result };
}
