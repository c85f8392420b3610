/**
 * A claim on a resource: one reconciler at a time works on it. It hangs on the reconciler's lease, so that it goes when the
 * process does; whatever is written under it holds only while it is there.
 */
import { hasCode } from '#common/errors.ts';
import { FENCE_KEY, readFenceBase } from '../store/migration/migration-mark.ts';
import { isAbsent, isAsRead, isPresent, isUnchanged, put, read, remove } from '../store/operations.ts';
import { single } from '../store/key-range.ts';
import type { Entry, LeaseId, Store } from '../store/store.ts';
import type { Along } from './kind.ts';
import { claimKey, readResource, type Resource, resourceKey, writeResource } from './resource.ts';

export interface Claimed {
  readonly resource: Resource;
  readonly modRevision: number;
}

export type Written = 'written' | 'changed' | 'lost';

export class Claim {
  readonly #store: Store;
  readonly #key: string;
  readonly #resourceKey: string;
  readonly #revision: number;
  /** What steps hand on: higher with each claim, also over migrations to other stores. */
  readonly fence: number;

  private constructor(
    store: Store,
    resource: { readonly kind: string; readonly id: string },
    revision: number,
    fenceBase: number,
  ) {
    const { kind, id } = resource;
    this.#store = store;
    this.#key = claimKey(kind, id);
    this.#resourceKey = resourceKey(kind, id);
    this.#revision = revision;
    this.fence = fenceBase + revision;
  }

  /** @returns nothing when another has it, or there is no such resource. */
  static async take(store: Store, kind: string, id: string, lease: LeaseId): Promise<Claim | undefined> {
    const key = claimKey(kind, id);
    const { succeeded, revision, results } = await store.transact({
      compare: [isAbsent(key), isPresent(resourceKey(kind, id))],
      then: [put(key, Buffer.alloc(0), lease), read(single(FENCE_KEY))],
    });
    if (!succeeded) return undefined;
    const base = results[1]?.kind === 'range' ? results[1].entries[0] : undefined;
    return new Claim(store, { kind, id }, revision, readFenceBase(base));
  }

  /**
   * The resource, if the claim is still held: an answer that was lost may have been that of the write that ended it, after
   * which another reconciler may be at work.
   * @returns `lost`, or nothing when there is no such resource.
   */
  async read(): Promise<Claimed | undefined | 'lost'> {
    const { succeeded, results } = await this.#store.transact({
      compare: [this.#isHeld()],
      then: [read(single(this.#resourceKey))],
    });
    if (!succeeded) return 'lost';
    const entry = results[0]?.kind === 'range' ? results[0].entries[0] : undefined;
    return entry && { resource: readResource(entry), modRevision: entry.modRevision };
  }

  /**
   * Replaces what was read; `changed` when somebody else has, or when what `along` compares does not hold. With `ends`, the claim is given
   * back at once.
   */
  async write(
    from: Claimed,
    to: Resource | 'removed',
    ends: boolean,
    along: Along = {},
  ): Promise<[Written, (Claimed | undefined)?]> {
    const change = to === 'removed' ? remove(this.#resourceKey) : put(this.#resourceKey, writeResource(to));
    const { succeeded, revision, results } = await this.#store.transact({
      compare: [
        this.#isHeld(),
        isUnchanged({ key: this.#resourceKey, modRevision: from.modRevision }),
        ...(along.compare ?? []),
      ],
      then: [change, ...(ends ? [remove(this.#key)] : []), ...(along.then ?? [])],
      otherwise: [read(single(this.#key))],
    });
    if (succeeded) return ['written', to === 'removed' ? undefined : { resource: to, modRevision: revision }];
    const held = results[0]?.kind === 'range' ? results[0].entries[0] : undefined;
    return [held?.modRevision === this.#revision ? 'changed' : 'lost'];
  }

  /** Gives the claim back if the resource is still as it was read, so that no request made meanwhile is left lying; else it says false. */
  async release(asRead: Claimed | undefined): Promise<boolean> {
    const { succeeded } = await this.#store.transact({
      compare: [this.#isHeld(), isAsRead(this.#resourceKey, asRead)],
      then: [remove(this.#key)],
    });
    return succeeded;
  }

  #isHeld(): ReturnType<typeof isUnchanged> {
    return isUnchanged({ key: this.#key, modRevision: this.#revision });
  }
}

/** Takes away a claim of this process that no run of it holds: its answer was lost on the way. */
export async function dropClaim(store: Store, entry: Entry): Promise<void> {
  await store.transact({ compare: [isUnchanged(entry)], then: [remove(entry.key)] });
}

/** Whether a store's error is one that passes by itself. */
export function isPassing(error: unknown): boolean {
  return (
    hasCode(error, 'store-unavailable') || hasCode(error, 'outcome-unknown') || hasCode(error, 'overloaded')
  );
}
