/**
 * Where requests are accepted: what is wanted and the operation that leads there are written in one transaction, with
 * whatever else must hold or change with it (a quota, a name). Whoever asks gets the resource; reconcilers do the rest.
 */
import { HoldfastError } from '#common/errors.ts';
import type { Clock } from '#common/io/clock.ts';
import type { Randomness } from '#common/io/randomness.ts';
import { entriesOf, getEntry, isAsRead, isAbsent, put } from '../store/operations.ts';
import type { Entry, Store } from '../store/store.ts';
import type { Along, KindDefinition, OperationDefinition } from './kind.ts';
import {
  readResource,
  type Resource,
  type ResourceOperation,
  resourceKey,
  resourcesOf,
  writeResource,
} from './resource.ts';

export interface RegistryContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly randomness: Randomness;
}

/** Times that a request begins anew when a reconciler has changed the resource meanwhile. */
const ATTEMPTS_MAX = 32;

export class Registry {
  readonly #context: RegistryContext;
  readonly #kinds: ReadonlyMap<string, KindDefinition>;

  constructor(context: RegistryContext, kinds: readonly KindDefinition[]) {
    this.#context = context;
    this.#kinds = new Map(kinds.map((kind) => [kind.kind, kind]));
  }

  async get(kind: string, id: string): Promise<Resource | undefined> {
    const entry = await getEntry(this.#context.store, resourceKey(kind, id));
    return entry && readResource(entry);
  }

  /** In the order of their ids. */
  async *list(kind: string): AsyncGenerator<Resource> {
    for await (const entry of entriesOf(this.#context.store, resourcesOf(kind))) yield readResource(entry);
  }

  /**
   * Accepts a request, durably.
   * @param desired what is wanted from now on; JSON. Left out, what was wanted before.
   * @param along what must hold, and what is changed, with it; a function is asked again as long as what it compares does not hold.
   * @throws `resource-exists`, `resource-missing`, `operation-running`, and `condition-failed` when what `along` compares does not hold.
   */
  async request(
    kind: string,
    id: string,
    operation: string,
    {
      desired,
      along = {},
    }: { readonly desired?: unknown; readonly along?: Along | (() => Promise<Along>) } = {},
  ): Promise<Resource> {
    const definition = this.#operation(kind, operation);
    return this.#change(kind, id, along, (before) => {
      if (definition.effect === 'creates') {
        if (before !== undefined) throw new HoldfastError('resource-exists', `${kind} ${id} exists`);
        return this.#begin(definition, { ...blank(kind, id), desired }, null);
      }
      if (before === undefined) throw missing(kind, id);
      if (before.operation?.state === 'running' && definition.interrupts !== true) throw running(before);
      // What is half removed is not made again; what is not finished is no place to go back to.
      const canGoBack = before.operation === null && definition.effect !== 'removes';
      const previous = canGoBack ? { desired: before.desired } : undefined;
      const wanted = desired === undefined ? before.desired : desired;
      return this.#begin(definition, { ...before, desired: wanted }, previous);
    });
  }

  /** A failed operation goes on where it failed, with a new deadline. */
  async retry(kind: string, id: string): Promise<Resource> {
    return this.#change(kind, id, {}, (before) => {
      const { operation, resource } = failed(kind, id, before);
      const { deadlineSeconds } = this.#operation(kind, operation.name);
      const deadlineMs = this.#context.clock.nowMs() + deadlineSeconds * 1000;
      return { ...resource, operation: { ...operation, state: 'running', deadlineMs, attempts: 0 } };
    });
  }

  /**
   * A failed operation goes back to where it began: what was wanted before is wanted again.
   * @throws `operation-final` when it cannot.
   */
  async undo(kind: string, id: string): Promise<Resource> {
    return this.#change(kind, id, {}, (before) => {
      const { operation, resource } = failed(kind, id, before);
      const { previous } = operation;
      if (previous === undefined)
        throw new HoldfastError('operation-final', `${operation.name} of ${kind} ${id} cannot be undone`);
      const { deadlineSeconds } = this.#operation(kind, operation.name);
      const isBack = operation.direction === 'back';
      return {
        ...resource,
        generation: resource.generation + 1,
        desired: previous === null ? resource.desired : previous.desired,
        operation: {
          ...operation,
          state: 'running',
          direction: 'back',
          // The step that failed may be half done, so it is undone too.
          step: isBack ? operation.step : operation.step + 1,
          deadlineMs: this.#context.clock.nowMs() + deadlineSeconds * 1000,
          attempts: 0,
        },
      };
    });
  }

  /** Resolves when the resource has no operation that runs; with nothing when it is gone. */
  async settled(kind: string, id: string): Promise<Resource | undefined> {
    const { store } = this.#context;
    const key = resourceKey(kind, id);
    const range = { from: key, to: `${key}\0` };
    const { entries, revision } = await store.range(range);
    const first = entries[0] && readResource(entries[0]);
    if (first?.operation?.state !== 'running') return first;
    const watch = store.watch(range, revision + 1);
    try {
      for await (const { events } of watch) {
        const event = events.at(-1);
        if (event === undefined) continue;
        if (event.kind === 'delete') return undefined;
        const resource = readResource(event.entry);
        if (resource.operation?.state !== 'running') return resource;
      }
    } finally {
      watch.close();
    }
    throw new HoldfastError('aborted');
  }

  #operation(kind: string, name: string): OperationDefinition {
    const found = this.#kinds.get(kind)?.operations.find((one) => one.name === name);
    if (found === undefined) throw new HoldfastError('invalid-argument', `${kind} has no operation ${name}`);
    return found;
  }

  #begin(
    definition: OperationDefinition,
    resource: Resource,
    previous: ResourceOperation['previous'],
  ): Resource {
    const nowMs = this.#context.clock.nowMs();
    return {
      ...resource,
      generation: resource.generation + 1,
      operation: {
        id: this.#context.randomness.bytes(16).toString('hex'),
        name: definition.name,
        state: 'running',
        direction: 'forward',
        step: 0,
        startedMs: nowMs,
        deadlineMs: nowMs + definition.deadlineSeconds * 1000,
        attempts: 0,
        failure: null,
        ...(previous === undefined ? {} : { previous }),
      },
    };
  }

  async #change(
    kind: string,
    id: string,
    along: Along | (() => Promise<Along>),
    change: (before: Resource | undefined) => Resource,
  ): Promise<Resource> {
    const { store } = this.#context;
    const key = resourceKey(kind, id);
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
      const entry: Entry | undefined = await getEntry(store, key);
      const resource = change(entry && readResource(entry));
      const { compare = [], then = [] } = typeof along === 'function' ? await along() : along;
      const { succeeded, results } = await store.transact({
        compare: [entry === undefined ? isAbsent(key) : isAsRead(key, entry), ...compare],
        then: [put(key, writeResource(resource)), ...then],
        otherwise: [{ kind: 'range', range: { from: key, to: `${key}\0` } }],
      });
      if (succeeded) return resource;
      const found = results[0]?.kind === 'range' ? results[0].entries[0] : undefined;
      const isSame = found?.modRevision === entry?.modRevision;
      if (isSame && typeof along !== 'function') throw new HoldfastError('condition-failed');
    }
    throw new HoldfastError('overloaded', `${kind} ${id} is changed by too many at once`);
  }
}

function blank(kind: string, id: string): Resource {
  return {
    kind,
    id,
    generation: 0,
    observedGeneration: 0,
    desired: null,
    observed: null,
    operation: null,
    lastOperation: null,
  };
}

function missing(kind: string, id: string): HoldfastError {
  return new HoldfastError('resource-missing', `there is no ${kind} ${id}`);
}

function running({ kind, id, operation }: Resource): HoldfastError {
  return new HoldfastError('operation-running', `${operation?.name} of ${kind} ${id} is not finished`);
}

function failed(
  kind: string,
  id: string,
  resource: Resource | undefined,
): { resource: Resource; operation: ResourceOperation } {
  if (resource === undefined) throw missing(kind, id);
  const { operation } = resource;
  if (operation?.state === 'running') throw running(resource);
  if (operation === null)
    throw new HoldfastError('invalid-argument', `${kind} ${id} has no operation that failed`);
  return { resource, operation };
}
