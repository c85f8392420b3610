/** What a kind of resource can have done to it, as a service defines it. */
import type { Comparison, Operation } from '../store/store.ts';
import type { Resource } from './resource.ts';

/** What goes into a resource's transaction besides the resource. */
export interface Along {
  readonly compare?: readonly Comparison[];
  readonly then?: readonly Operation[];
}

/** A step's way of saying that trying again does not help. The operation fails at once, with this name and these words. */
export class StepFailure extends Error {
  readonly code: string;

  /** @param code a name of the kind's own, such as `image-too-large`. */
  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'StepFailure';
    this.code = code;
  }
}

export interface StepContext {
  /** As it was when the step began. */
  readonly resource: Resource;
  /** The same for every attempt at the operation: for what the step makes elsewhere under a name. */
  readonly operationId: string;
  /** Grows with each claim of the resource: a device that has seen a higher one refuses a lower one. */
  readonly fence: number;
  /** Aborted at the deadline, and when the claim is lost: what goes on then may meet another reconciler's step. */
  readonly signal: AbortSignal;
}

/**
 * A step may be done again after it has been done, and may find itself half done: it looks at what is there, and makes what
 * is missing. Both functions give what the resource is afterwards, or nothing when `observed` stays.
 */
export interface Step<Observed = unknown> {
  readonly name: string;
  run(context: StepContext): Promise<Observed | undefined>;
  /** Takes away what `run` made, all or half of it. None: there is nothing to take away. */
  undo?(context: StepContext): Promise<Observed | undefined>;
}

export interface OperationDefinition<Observed = unknown> {
  readonly name: string;
  /** Whether it makes the resource, changes it, or ends with the resource gone. */
  readonly effect: 'creates' | 'changes' | 'removes';
  readonly steps: readonly Step<Observed>[];
  readonly deadlineSeconds: number;
  /** Whether it may be asked for while another operation runs, which it puts an end to: its steps take what they find. */
  readonly interrupts?: boolean;
}

export interface KindDefinition<Observed = unknown> {
  readonly kind: string;
  readonly operations: readonly OperationDefinition<Observed>[];
  /**
   * What is changed in the very transaction that ends an operation, done or undone: a quota given back, a name freed. Asked anew when what it
   * compares does not hold.
   * @param before with the operation.
   */
  endsWith?(before: Resource, after: Resource | 'removed'): Promise<Along>;
}
