/**
 * Finds operations that run and nobody works on, and works on them: some at a time, each under a claim. Any number of
 * reconcilers, in any number of processes, may look after the same kinds.
 */
import { errorText } from '#common/errors.ts';
import type { Clock } from '#common/io/clock.ts';
import type { Logger } from '#common/log/logger.ts';
import { HeldLease } from '../store/held-lease.ts';
import { Mirror } from '../store/mirror.ts';
import type { Entry, LeaseId, Store, WatchEvent } from '../store/store.ts';
import { dropClaim, isPassing } from './claim.ts';
import type { KindDefinition } from './kind.ts';
import { OperationRun, type RunEnd } from './operation-run.ts';
import { isBusy } from './operation-step.ts';
import {
  claimKey,
  claimsOf,
  idOfKey,
  readResource,
  type Resource,
  resourceKey,
  resourcesOf,
} from './resource.ts';

export interface ReconcilerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly kinds: readonly KindDefinition[];
  /** How long a killed reconciler's claims stay. */
  readonly leaseSeconds?: number;
  /** Operations at a time. */
  readonly concurrency?: number;
  readonly pauseMs?: number;
  readonly pauseMsMax?: number;
  readonly graceMs?: number;
}

const LEASE_SECONDS = 10;
const CONCURRENCY = 16;
const PAUSE_MS = 250;
const PAUSE_MS_MAX = 30_000;
const GRACE_MS = 5000;
const AGAIN_MS = 500;
const AGAIN_MS_MAX = 30_000;

interface Followed {
  readonly kind: KindDefinition;
  readonly resources: Mirror;
  readonly claims: Mirror;
}

/** An operation that could not be worked on, and when it is tried again. */
interface PutOff {
  readonly operation: string | undefined;
  readonly times: number;
  readonly untilMs: number;
}

interface Active {
  readonly run: OperationRun;
  readonly ended: Promise<void>;
}

export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #lease: HeldLease;
  readonly #followed: readonly Followed[];
  /** By the resource's key. A key may be waiting and active: it is looked at again when its run has ended. */
  readonly #waiting = new Map<string, Followed>();
  readonly #active = new Map<string, Active>();
  readonly #putOff = new Map<string, PutOff>();
  #closed = false;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    const { store, clock } = options;
    this.#followed = options.kinds.map((kind) => this.#follow(kind));
    this.#lease = new HeldLease({
      store,
      clock,
      ttlSeconds: options.leaseSeconds ?? LEASE_SECONDS,
      onHeld: () => this.#pump(),
      onLost: () => {
        for (const { run } of this.#active.values()) run.lose();
      },
    });
  }

  /** Stops at the steps that are being done; others go on from there. */
  async close(): Promise<void> {
    this.#closed = true;
    const active = [...this.#active.values()];
    for (const { run } of active) run.lose();
    await Promise.all(active.map(({ ended }) => ended));
    await this.#lease.close();
    await Promise.all(this.#followed.flatMap(({ resources, claims }) => [resources.close(), claims.close()]));
  }

  #follow(kind: KindDefinition): Followed {
    const { store, clock, log } = this.#options;
    const onTrouble = (error: unknown): void =>
      log.warn('the control store cannot be watched', { kind: kind.kind, error });
    const onChange = (event: WatchEvent): void => this.#look(followed, idOfKey(keyOf(event)));
    const followed: Followed = {
      kind,
      resources: new Mirror({ store, clock, range: resourcesOf(kind.kind), onChange, onTrouble }),
      claims: new Mirror({ store, clock, range: claimsOf(kind.kind), onChange, onTrouble }),
    };
    return followed;
  }

  #look(followed: Followed, id: string): void {
    const key = resourceKey(followed.kind.kind, id);
    const resource = this.#read(followed, key);
    this.#active.get(key)?.run.seen(resource?.operation?.id);
    const claim = followed.claims.entries.get(claimKey(followed.kind.kind, id));
    if (claim !== undefined && !this.#active.has(key)) {
      if (claim.lease === this.#lease?.current) void this.#dropLostClaim(followed, id, claim);
      return;
    }
    if (!isBusy(resource)) return;
    this.#waiting.set(key, followed);
    this.#pump();
  }

  #read({ resources }: Followed, key: string): Resource | undefined {
    const entry = resources.entries.get(key);
    if (entry === undefined) return undefined;
    try {
      return readResource(entry);
    } catch (error) {
      this.#options.log.error('a resource cannot be read', { key, error });
      return undefined;
    }
  }

  #pump(): void {
    const lease = this.#lease?.current;
    if (lease === undefined) return;
    for (const [key, followed] of this.#waiting) {
      if (this.#closed || this.#active.size >= (this.#options.concurrency ?? CONCURRENCY)) return;
      if (this.#active.has(key) || this.#isPutOff(key, followed)) continue;
      this.#waiting.delete(key);
      this.#start(key, followed, lease);
    }
  }

  #start(key: string, followed: Followed, lease: LeaseId): void {
    const { store, clock, pauseMs, pauseMsMax, graceMs } = this.#options;
    const run = new OperationRun({
      store,
      clock,
      lease,
      kind: followed.kind,
      id: idOfKey(key),
      pauseMs: pauseMs ?? PAUSE_MS,
      pauseMsMax: pauseMsMax ?? PAUSE_MS_MAX,
      graceMs: graceMs ?? GRACE_MS,
    });
    this.#active.set(key, { run, ended: this.#finish(key, followed, run) });
  }

  async #finish(key: string, followed: Followed, run: OperationRun): Promise<void> {
    let end: RunEnd = 'left';
    try {
      end = await run.run();
    } catch (error) {
      this.#options.log.error('an operation cannot be worked on', { key, error: errorText(error) });
    }
    this.#active.delete(key);
    if (end === 'left') this.#putAside(key, followed);
    else this.#putOff.delete(key);
    // What was requested in the run's last moment is seen by the mirror later; what it saw before is looked at now.
    if (end === 'busy') this.#lookAgain(followed, idOfKey(key), AGAIN_MS);
    else if (end === 'settled' && isBusy(this.#read(followed, key))) this.#waiting.set(key, followed);
    this.#pump();
  }

  /** For longer and longer, whatever is seen of it meanwhile: what did not work a moment ago would be done over and over. */
  #putAside(key: string, followed: Followed): void {
    const times = (this.#putOff.get(key)?.times ?? 0) + 1;
    const durationMs = Math.min(AGAIN_MS_MAX, AGAIN_MS * 2 ** Math.min(times - 1, 30));
    const operation = this.#read(followed, key)?.operation?.id;
    const untilMs = this.#options.clock.monotonicMs() + durationMs;
    this.#putOff.set(key, { operation, times, untilMs });
    this.#lookAgain(followed, idOfKey(key), durationMs);
  }

  /** Another operation is not. */
  #isPutOff(key: string, followed: Followed): boolean {
    const putOff = this.#putOff.get(key);
    if (putOff === undefined || putOff.untilMs <= this.#options.clock.monotonicMs()) return false;
    return this.#read(followed, key)?.operation?.id === putOff.operation;
  }

  #lookAgain(followed: Followed, id: string, afterMs: number): void {
    if (this.#closed) return;
    this.#options.clock.after(afterMs, () => {
      this.#look(followed, id);
      // Nobody may have it any more: then there is nothing to remember of it.
      const key = resourceKey(followed.kind.kind, id);
      if (!isBusy(this.#read(followed, key))) this.#putOff.delete(key);
    });
  }

  /** A claim under this process's own lease that no run of it holds: the answer to it was lost on the way. */
  async #dropLostClaim(followed: Followed, id: string, claim: Entry): Promise<void> {
    try {
      await dropClaim(this.#options.store, claim);
    } catch (error) {
      if (!isPassing(error))
        this.#options.log.error('a lost claim cannot be given back', { id, error: errorText(error) });
      this.#lookAgain(followed, id, isPassing(error) ? AGAIN_MS : AGAIN_MS_MAX);
    }
  }
}

function keyOf(event: WatchEvent): string {
  return event.kind === 'put' ? event.entry.key : event.key;
}
