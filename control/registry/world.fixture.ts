/**
 * A world for reconcilers: volumes that are made, resized and removed in two steps each, in a place that counts who is at
 * work; and stores that are killed with their process at any call.
 */
import { HoldfastError } from '#common/errors.ts';
import type { Store, Watch } from '../store/store.ts';
import { type KindDefinition, type Step, StepFailure } from './kind.ts';

export interface WantedVolume {
  readonly gib: number;
}

/** Whose process a step is done in; a killed one does nothing more. */
export interface StepProcess {
  readonly killed: boolean;
}

/** What is out there, by a resource's id. */
export class Outside {
  readonly space = new Map<string, number>();
  readonly exported = new Map<string, number>();
  /** Called before and after each step does its work: it may throw, or never resolve. */
  trouble: (step: string, moment: 'before' | 'after', process: StepProcess) => Promise<void> = () =>
    Promise.resolve();
  readonly #atWork = new Map<string, Set<StepProcess>>();
  /** Steps that were begun while a living process was at another of the same resource. */
  overlaps = 0;

  async during(process: StepProcess, id: string, step: string, work: () => void): Promise<void> {
    const atWork = this.#atWork.get(id) ?? new Set<StepProcess>();
    this.#atWork.set(id, atWork);
    if ([...atWork].some(({ killed }) => !killed)) this.overlaps += 1;
    atWork.add(process);
    try {
      await this.trouble(step, 'before', process);
      if (process.killed) await new Promise(() => {});
      work();
      await this.trouble(step, 'after', process);
      if (process.killed) await new Promise(() => {});
    } finally {
      atWork.delete(process);
    }
  }
}

export const GIB_MAX = 100;

export function volumeKind(
  outside: Outside,
  process: StepProcess = { killed: false },
): KindDefinition<{ gib: number }> {
  const allocate: Step<{ gib: number }> = {
    name: 'allocate',
    run: async ({ resource }) => {
      const { gib } = resource.desired as WantedVolume;
      if (gib > GIB_MAX) throw new StepFailure('no-space', `there is no room for ${gib} GiB`);
      await outside.during(process, resource.id, 'allocate', () => outside.space.set(resource.id, gib));
      return { gib };
    },
    undo: async ({ resource }) => {
      await outside.during(process, resource.id, 'free', () => outside.space.delete(resource.id));
      return undefined;
    },
  };
  const exportIt: Step<{ gib: number }> = {
    name: 'export',
    run: async ({ resource }) => {
      const { gib } = resource.desired as WantedVolume;
      await outside.during(process, resource.id, 'export', () => outside.exported.set(resource.id, gib));
      return undefined;
    },
    undo: async ({ resource }) => {
      await outside.during(process, resource.id, 'withdraw', () => outside.exported.delete(resource.id));
      return undefined;
    },
  };
  const asWanted = (step: Step<{ gib: number }>): Step<{ gib: number }> => ({
    ...step,
    undo: (context) => step.run(context),
  });
  const reversed = (step: Step<{ gib: number }>): Step<{ gib: number }> => ({
    name: step.name,
    run: async (context) => step.undo?.(context),
  });
  return {
    kind: 'volume',
    operations: [
      { name: 'create', effect: 'creates', steps: [allocate, exportIt], deadlineSeconds: 3600 },
      {
        name: 'resize',
        effect: 'changes',
        steps: [asWanted(allocate), asWanted(exportIt)],
        deadlineSeconds: 3600,
      },
      {
        name: 'delete',
        effect: 'removes',
        steps: [reversed(exportIt), reversed(allocate)],
        deadlineSeconds: 3600,
        interrupts: true,
      },
    ],
  };
}

/** A store as seen from a process that can be killed: from then on nothing it asked for is answered. */
export class KillableStore implements Store {
  readonly #store: Store;
  readonly #watches = new Set<Watch>();
  calls = 0;
  killed = false;
  /** Asked around each call; true kills, before the store has heard of it or before its answer comes. */
  killAt: (call: number, moment: 'before' | 'after') => boolean = () => false;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Whether this call's line breaks, before the store has heard of it or before its answer comes. */
  fault: () => 'before' | 'after' | undefined = () => undefined;
  onKill: () => void = () => {};

  kill(): void {
    this.killed = true;
    this.onKill();
    for (const watch of this.#watches) watch.close();
  }

  transact: Store['transact'] = (...args) => this.#call(() => this.#store.transact(...args));
  range: Store['range'] = (...args) => this.#call(() => this.#store.range(...args));
  grantLease: Store['grantLease'] = (...args) => this.#call(() => this.#store.grantLease(...args));
  keepAlive: Store['keepAlive'] = (...args) => this.#call(() => this.#store.keepAlive(...args));
  revokeLease: Store['revokeLease'] = (...args) => this.#call(() => this.#store.revokeLease(...args));
  compact: Store['compact'] = (...args) => this.#call(() => this.#store.compact(...args));

  watch(...args: Parameters<Store['watch']>): Watch {
    const watch = this.#store.watch(...args);
    this.#watches.add(watch);
    if (this.killed) watch.close();
    return watch;
  }

  async close(): Promise<void> {
    this.kill();
  }

  async #call<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    this.calls += 1;
    const number = this.calls;
    if (this.killAt(number, 'before')) this.kill();
    if (this.killed) return new Promise<Answer>(() => {});
    const fault = this.fault();
    if (fault === 'before') throw new HoldfastError('store-unavailable');
    const answer = await call();
    if (fault === 'after') throw new HoldfastError('outcome-unknown');
    if (this.killAt(number, 'after')) this.kill();
    return this.killed ? new Promise<Answer>(() => {}) : answer;
  }
}
