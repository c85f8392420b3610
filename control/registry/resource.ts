/** A resource as the store has it: docs/formats/control-store.md, "Resources". */
import { HoldfastError } from '#common/errors.ts';
import { keyPart, type KeyRange, prefixed } from '../store/key-range.ts';
import type { Entry } from '../store/store.ts';

/** Why an operation does not go on, for a user to read. */
export interface OperationFailure {
  /** A name that programs know: a code of ours, or one of the kind's own. */
  readonly code: string;
  readonly message: string;
  readonly step: string;
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

export interface ResourceOperation {
  /** 32 hexadecimal digits. */
  readonly id: string;
  /** One of its kind's operations, such as `create`. */
  readonly name: string;
  /** `failed` waits for its user: retry, undo, or another request. */
  readonly state: 'running' | 'failed';
  /** Whether it goes towards what was asked for, or back from it. */
  readonly direction: 'forward' | 'back';
  /** The step that is next: an index of the kind's steps. Going back, those before it are left. */
  readonly step: number;
  /** Milliseconds since 1970. */
  readonly startedMs: number;
  readonly deadlineMs: number;
  /** Failed attempts at the step. */
  readonly attempts: number;
  /** The last attempt's failure; of a failed operation, why it is. */
  readonly failure: OperationFailure | null;
  /**
   * What was wanted before, for going back: `null` when there was no such resource, and none (`undefined` here, no member in
   * the store) when it cannot go back, because another operation was not finished then.
   */
  readonly previous?: { readonly desired: unknown } | null;
}

export interface Resource {
  readonly kind: string;
  readonly id: string;
  /** Requests accepted so far. */
  readonly generation: number;
  /** The generation that `observed` answers to; all is done when it is `generation`. */
  readonly observedGeneration: number;
  /** JSON; what it is, its kind says. */
  readonly desired: unknown;
  readonly observed: unknown;
  readonly operation: ResourceOperation | null;
  /** How the operation before ended. */
  readonly lastOperation: { readonly id: string; readonly name: string; readonly endedMs: number } | null;
}

/** A resource with the revision that it was read at. */
export interface StoredResource {
  readonly resource: Resource;
  readonly entry: Entry;
}

export function resourceKey(kind: string, id: string): string {
  return `resource/${keyPart(kind)}/${keyPart(id)}`;
}

export function resourcesOf(kind: string): KeyRange {
  return prefixed(`resource/${keyPart(kind)}/`);
}

export function claimKey(kind: string, id: string): string {
  return `claim/${keyPart(kind)}/${keyPart(id)}`;
}

export function claimsOf(kind: string): KeyRange {
  return prefixed(`claim/${keyPart(kind)}/`);
}

/** The id of the resource or claim that a key is of. */
export function idOfKey(key: string): string {
  return decodeURIComponent(key.slice(key.lastIndexOf('/') + 1));
}

export function writeResource(resource: Resource): Buffer {
  return Buffer.from(JSON.stringify(resource));
}

/** @throws `format-invalid` */
export function readResource({ key, value }: Entry): Resource {
  const invalid = (cause?: unknown): HoldfastError =>
    new HoldfastError('format-invalid', `${key} is no resource`, { cause });
  let read: unknown;
  try {
    read = JSON.parse(value.toString());
  } catch (error) {
    throw invalid(error);
  }
  if (!isResource(read) || resourceKey(read.kind, read.id) !== key) throw invalid();
  return read;
}

function isResource(value: unknown): value is Resource {
  if (!isRecord(value)) return false;
  const { kind, id, generation, observedGeneration, operation } = value;
  return (
    typeof kind === 'string' &&
    typeof id === 'string' &&
    Number.isSafeInteger(generation) &&
    Number.isSafeInteger(observedGeneration) &&
    (operation === null || isOperation(operation))
  );
}

function isOperation(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { id, name, state, direction, step, deadlineMs, attempts } = value;
  return (
    typeof id === 'string' &&
    typeof name === 'string' &&
    (state === 'running' || state === 'failed') &&
    (direction === 'forward' || direction === 'back') &&
    Number.isSafeInteger(step) &&
    Number.isSafeInteger(attempts) &&
    typeof deadlineMs === 'number'
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
