/** What the clients of one schedule do: sessions that begin one operation after the other, and the history that comes of them. */
import { type RecordKey, SHARD_PREFIX_BYTES, asRecordKey } from '#common/codec/record-key.ts';
import type { Cores } from './cores.ts';
import { type Action, type Operation, type Value, describeAction, valueAfter } from './operation.ts';
import { type Ending, type RunContext, RunningOperation } from './running-operation.ts';
import type { SimulatedProposer } from './simulated-proposer.ts';
import type { World } from './world.ts';

const PREFIX = Buffer.alloc(SHARD_PREFIX_BYTES, 1);
/** Long enough to travel behind its frame's head instead of within it. */
const LARGE_CONTENT_BYTES = 1500;

const nothing = (): void => undefined;

export class Workload {
  readonly operations: Operation[] = [];
  /** Operations that have not ended. */
  open = 0;
  readonly #world: World;
  readonly #context: RunContext;
  readonly #keys: readonly string[];
  readonly #recordKeys: ReadonlyMap<string, RecordKey>;
  /** What clients have seen last, by key: what conditions expect. */
  readonly #lastSeen = new Map<string, Value>();
  #order = 0;

  constructor(world: World, cores: Cores) {
    this.#world = world;
    const { timeline, dice, trace, shape } = world;
    const isCalm = (): boolean => world.isCalm;
    this.#context = { timeline, dice, cores, trace, isCalm, members: shape.members, times: shape };
    this.#keys = Array.from({ length: shape.keys }, (_, index) => `k${index}`);
    this.#recordKeys = new Map(
      this.#keys.map((key) => [key, asRecordKey(Buffer.concat([PREFIX, Buffer.from(key)]))]),
    );
    for (const proposer of world.proposers) {
      for (let session = 0; session < shape.sessions; session += 1) this.#think(proposer);
    }
  }

  /** What must be possible when all is well: everybody reads every key, one changes every key, and reads it again. */
  beginFinal(): void {
    const writer = this.#world.dice.pick(this.#world.proposers);
    for (const key of this.#keys) {
      for (const reader of this.#world.proposers) this.#begin(reader, key, { type: 'read' }, nothing);
      const put: Action = { type: 'put', value: this.#freshValue() };
      this.#begin(writer, key, put, () => this.#begin(writer, key, { type: 'read' }, nothing));
    }
  }

  /** Begins an operation after a pause, another after its end, and so on until the calm. */
  #think(proposer: SimulatedProposer): void {
    const { timeline, dice, shape } = this.#world;
    timeline.after(dice.exponential(shape.thinkMs), () => {
      if (this.#world.isCalm || this.operations.length >= shape.operationsMax) return;
      const key = dice.pick(this.#keys);
      this.#begin(proposer, key, this.#drawAction(key), () => this.#think(proposer));
    });
  }

  #freshValue(): string {
    return `v${this.operations.length}`;
  }

  #drawAction(key: string): Action {
    const value = this.#freshValue();
    const share = this.#world.dice.below(100);
    if (share < 30) return { type: 'read' };
    if (share < 35) return { type: 'keep' };
    if (share < 60) return { type: 'put', value };
    if (share < 70) return { type: 'remove' };
    if (share < 85) return { type: 'putIfAbsent', value };
    return { type: 'putIfEqual', value, expected: this.#lastSeen.get(key) };
  }

  #begin(proposer: SimulatedProposer, key: string, action: Action, then: () => void): void {
    const { dice, timeline, trace } = this.#world;
    const recordKey = this.#recordKeys.get(key);
    if (recordKey === undefined) throw new RangeError(`no key ${key}`);
    this.#order += 1;
    const operation: Operation = {
      number: this.operations.length,
      client: proposer.name,
      key,
      action,
      invokedAt: this.#order,
      invokedMs: timeline.nowMs,
      answeredAt: undefined,
      answeredMs: undefined,
      outcome: undefined,
      failure: undefined,
      withoutEffect: false,
    };
    this.operations.push(operation);
    this.open += 1;
    const request = {
      label: `${proposer.name} #${operation.number} (${describeAction(action)} on ${key})`,
      id: (operation.number + 1).toString(16).padStart(32, '0'),
      key: recordKey,
      action,
      throwsRefusal: dice.chance(0.5),
      contentBytes: dice.chance(0.05) ? LARGE_CONTENT_BYTES : 0,
    };
    trace(() => `${request.label} begins`);
    const running = new RunningOperation(this.#context, proposer, request, (ending) => {
      trace(() => `${request.label} ends: ${describeEnding(ending)}`);
      this.#end(operation, ending);
      then();
    });
    running.start();
  }

  #end(operation: Operation, ending: Ending): void {
    this.open -= 1;
    this.#order += 1;
    operation.answeredAt = this.#order;
    operation.answeredMs = this.#world.timeline.nowMs;
    if (ending.type !== 'outcome') {
      operation.failure = ending.failure;
      operation.withoutEffect = ending.type === 'without effect';
      return;
    }
    operation.outcome = ending.outcome;
    const { applied, found } = ending.outcome;
    this.#lastSeen.set(operation.key, applied ? valueAfter(operation.action) : found);
  }
}

function describeEnding(ending: Ending): string {
  if (ending.type !== 'outcome') return `${ending.type}, ${ending.failure}`;
  return `${ending.outcome.applied ? 'applied to' : 'found'} ${ending.outcome.found ?? 'nothing'}`;
}
