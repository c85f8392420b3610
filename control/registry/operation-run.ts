/** Drives one resource's operation, under a claim, from the step where it stands to its end. */
import { errorText, HoldfastError } from '#common/errors.ts';
import type { Clock } from '#common/io/clock.ts';
import type { LeaseId, Store } from '../store/store.ts';
import { Claim, type Claimed, isPassing } from './claim.ts';
import { type KindDefinition, type OperationDefinition, type Step, StepFailure } from './kind.ts';
import { afterFailure, afterStep, atEnd, type Busy, isBusy, isSameStep, nextStep } from './operation-step.ts';
import type { OperationFailure, Resource } from './resource.ts';

export interface RunOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly kind: KindDefinition;
  readonly id: string;
  readonly lease: LeaseId;
  /** The pause after a step's first failure; each further one doubles it. */
  readonly pauseMs: number;
  readonly pauseMsMax: number;
  /** How long a step that was told to stop is waited for. */
  readonly graceMs: number;
}

/**
 * `settled`: nothing is left to do. `busy`: another has the claim. `left`: the lease was lost, the store could not be asked, or
 * the operation is not known here; it is as it was, and has to be looked at again.
 */
export type RunEnd = 'settled' | 'busy' | 'left';

/** A message in the store is for people, not for a megabyte. */
const MESSAGE_CHARACTERS_MAX = 1000;
const STORE_PAUSE_MS = 200;

type StepEnd = { readonly observed: unknown } | { readonly error: unknown } | 'stopped';

export class OperationRun {
  readonly #options: RunOptions;
  #isLost = false;
  #operationId: string | undefined;
  /** Stops what is being waited for now: a step, or a pause. */
  #stop: (() => void) | undefined;

  constructor(options: RunOptions) {
    this.#options = options;
  }

  /** The lease is lost: nothing more is done under it. */
  lose(): void {
    this.#isLost = true;
    this.#stop?.();
  }

  /** The resource has been seen with this operation: another one than the run's puts an end to its step. */
  seen(operationId: string | undefined): void {
    if (this.#operationId !== undefined && operationId !== this.#operationId) this.#stop?.();
  }

  async run(): Promise<RunEnd> {
    const { store, kind, id, lease } = this.#options;
    try {
      const claim = await Claim.take(store, kind.kind, id, lease);
      return claim === undefined ? 'busy' : await this.#drive(claim);
    } catch (error) {
      if (isPassing(error)) return 'left';
      throw error;
    }
  }

  async #drive(claim: Claim): Promise<RunEnd> {
    let claimed: Claimed | undefined;
    let isFresh = false;
    while (!this.#isLost) {
      try {
        if (!isFresh) {
          const read = await claim.read();
          // By the lease's end, or by a write of this run whose answer was lost: somebody else's, or nobody's, to do.
          if (read === 'lost') return 'left';
          claimed = read;
        }
        isFresh = false;
        if (claimed === undefined || !isBusy(claimed.resource)) {
          if (await claim.release(claimed)) return 'settled';
          continue;
        }
        this.#operationId = claimed.resource.operation.id;
        const { resource } = claimed;
        const definition = this.#options.kind.operations.find(({ name }) => name === resource.operation.name);
        if (definition === undefined) return (await claim.release(claimed)) ? 'left' : 'busy';
        const [written, next] = await this.#advance(claim, claimed, resource, definition);
        if (written === 'lost') return 'left';
        if (written === 'written') {
          if (next === undefined || !isBusy(next.resource)) return 'settled';
          claimed = next;
          isFresh = true;
        }
      } catch (error) {
        if (!isPassing(error)) throw error;
        // What was done may be written already: it is read, and looked at anew.
        await this.#pause(STORE_PAUSE_MS);
      }
    }
    return 'left';
  }

  /** Does one step, and writes what came of it. */
  async #advance(
    claim: Claim,
    claimed: Claimed,
    resource: Busy,
    definition: OperationDefinition,
  ): ReturnType<Claim['write']> {
    const { clock } = this.#options;
    const { operation } = resource;
    const step = nextStep(resource, definition);
    if (step === undefined)
      return this.#writeStep(claim, claimed, resource, (now) => atEnd(now, definition, clock.nowMs()));
    if (clock.nowMs() >= operation.deadlineMs) return claim.write(claimed, this.#late(resource, step), true);
    const end = await this.#perform(step, claim, resource);
    if (this.#isLost) return ['lost'];
    if (end !== 'stopped' && 'observed' in end) {
      const change = (now: Busy): Resource | 'removed' =>
        afterStep(now, definition, end.observed, clock.nowMs());
      return this.#writeStep(claim, claimed, resource, change);
    }
    // Stopped by another operation, or by the deadline: the next look tells.
    if (end === 'stopped') return ['changed'];
    if (end.error instanceof StepFailure) {
      const { code, message } = end.error;
      const failure = this.#failure(step, code, message);
      return this.#writeStep(claim, claimed, resource, (now) => afterFailure(now, 'failed', failure));
    }
    const failure = this.#failure(step, codeOf(end.error), errorText(end.error));
    const written = await this.#writeStep(claim, claimed, resource, (now) =>
      afterFailure(now, 'running', failure),
    );
    if (written[0] === 'written') await this.#pauseAfterFailure(operation.attempts, operation.deadlineMs);
    return written;
  }

  /** Others may have changed the resource and left its operation alone: then what the step did counts for it as it is now. */
  async #writeStep(
    claim: Claim,
    from: Claimed,
    resource: Busy,
    change: (now: Busy) => Resource | 'removed',
  ): ReturnType<Claim['write']> {
    let claimed = from;
    let now = resource;
    for (;;) {
      const to = change(now);
      const ends = to === 'removed' || !isBusy(to);
      const isOver = to === 'removed' || to.operation === null;
      const along = isOver ? await this.#options.kind.endsWith?.(now, to) : undefined;
      const written = await claim.write(claimed, to, ends, along);
      if (written[0] !== 'changed') return written;
      const read = await claim.read();
      if (read === 'lost') return ['lost'];
      if (read === undefined || !isBusy(read.resource)) return ['changed'];
      if (!isSameStep(read.resource.operation, resource.operation)) return ['changed'];
      claimed = read;
      now = read.resource;
    }
  }

  async #perform(step: Step, claim: Claim, resource: Busy): Promise<StepEnd> {
    const { clock, graceMs } = this.#options;
    const { operation } = resource;
    const abort = new AbortController();
    const stopped = Promise.withResolvers<StepEnd>();
    const stop = (): void => {
      abort.abort(new HoldfastError('aborted'));
      // A lost lease leaves no time to wait in.
      clock.after(this.#isLost ? 0 : graceMs, () => stopped.resolve('stopped'));
    };
    const deadline = clock.after(operation.deadlineMs - clock.nowMs(), stop);
    this.#stop = stop;
    const context = { resource, operationId: operation.id, fence: claim.fence, signal: abort.signal };
    try {
      const performed = (async (): Promise<StepEnd> => {
        try {
          const observed =
            operation.direction === 'forward' ? await step.run(context) : await step.undo?.(context);
          return { observed };
        } catch (error) {
          return abort.signal.aborted ? 'stopped' : { error };
        }
      })();
      return await Promise.race([performed, stopped.promise]);
    } finally {
      deadline.cancel();
      this.#stop = undefined;
    }
  }

  #late(resource: Busy, step: Step): Resource {
    const last = resource.operation.failure;
    const why = last === null ? '' : `: ${last.message}`;
    const message = `${resource.operation.name} was not finished in time, at ${step.name}${why}`;
    return afterFailure(resource, 'failed', this.#failure(step, 'deadline-passed', message));
  }

  #failure(step: Step, code: string, message: string): OperationFailure {
    const atMs = this.#options.clock.nowMs();
    return { code, message: message.slice(0, MESSAGE_CHARACTERS_MAX), step: step.name, atMs };
  }

  /** Not longer than until the deadline, which is then noticed at once. */
  async #pauseAfterFailure(attempts: number, deadlineMs: number): Promise<void> {
    const { clock, pauseMs, pauseMsMax } = this.#options;
    const durationMs = Math.min(pauseMsMax, pauseMs * 2 ** Math.min(attempts, 30));
    await this.#pause(Math.min(durationMs, Math.max(0, deadlineMs - clock.nowMs())));
  }

  async #pause(durationMs: number): Promise<void> {
    if (this.#isLost) return;
    await new Promise<void>((resolve) => {
      const timer = this.#options.clock.after(durationMs, resolve);
      this.#stop = () => {
        timer.cancel();
        resolve();
      };
    });
    this.#stop = undefined;
  }
}

function codeOf(error: unknown): string {
  return error instanceof HoldfastError ? error.code : 'step-failed';
}
