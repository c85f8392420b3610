/** What an operation comes to after a step: pure. */
import type { OperationDefinition, Step } from './kind.ts';
import type { OperationFailure, Resource, ResourceOperation } from './resource.ts';

/** A resource whose operation runs. */
export type Busy = Resource & { readonly operation: ResourceOperation };

export function isBusy(resource: Resource | undefined): resource is Busy {
  return resource?.operation?.state === 'running';
}

/** Whether both are at the same step of the same operation. */
export function isSameStep(one: ResourceOperation, other: ResourceOperation): boolean {
  return one.id === other.id && one.direction === other.direction && one.step === other.step;
}

/** The step that is next; none when the operation has come to its end. */
export function nextStep({ operation }: Busy, { steps }: OperationDefinition): Step | undefined {
  return operation.direction === 'forward' ? steps[operation.step] : steps[operation.step - 1];
}

/** The step was done: the resource after it, or `removed` when that was the last one and the resource is gone. */
export function afterStep(
  resource: Busy,
  definition: OperationDefinition,
  observed: unknown,
  nowMs: number,
): Resource | 'removed' {
  const { operation } = resource;
  const isForward = operation.direction === 'forward';
  const step = operation.step + (isForward ? 1 : -1);
  const isLast = isForward ? step >= definition.steps.length : step <= 0;
  const then = { ...resource, observed: observed === undefined ? resource.observed : observed };
  if (!isLast) return { ...then, operation: { ...operation, step, attempts: 0, failure: null } };
  return atEnd(then, definition, nowMs);
}

/** The operation has no step left. */
export function atEnd(resource: Busy, definition: OperationDefinition, nowMs: number): Resource | 'removed' {
  const { operation, generation } = resource;
  const isGone =
    operation.direction === 'forward' ? definition.effect === 'removes' : operation.previous === null;
  if (isGone) return 'removed';
  return {
    ...resource,
    observedGeneration: generation,
    operation: null,
    lastOperation: { id: operation.id, name: operation.name, endedMs: nowMs },
  };
}

/** An attempt failed. */
export function afterFailure(
  resource: Busy,
  state: ResourceOperation['state'],
  failure: OperationFailure,
): Resource {
  const { operation } = resource;
  return { ...resource, operation: { ...operation, state, attempts: operation.attempts + 1, failure } };
}
