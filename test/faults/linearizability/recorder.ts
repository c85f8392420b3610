/** What clients did and were told, in the one order in which this process saw it: the history that the checker reads. */
import type { Action, Operation, Outcome } from '../../simulator/operation.ts';

export class Recorder {
  readonly #operations = new Map<string, Operation[]>();
  #place = 0;
  #number = 0;

  get operations(): ReadonlyMap<string, readonly Operation[]> {
    return this.#operations;
  }

  get count(): number {
    return this.#number;
  }

  begin(client: string, key: string, action: Action): Operation {
    this.#number += 1;
    const operation: Operation = {
      number: this.#number,
      client,
      key,
      action,
      invokedAt: this.#next(),
      invokedMs: performance.now(),
      answeredAt: undefined,
      answeredMs: undefined,
      outcome: undefined,
      failure: undefined,
      withoutEffect: false,
    };
    const ofKey = this.#operations.get(key);
    if (ofKey === undefined) this.#operations.set(key, [operation]);
    else ofKey.push(operation);
    return operation;
  }

  end(operation: Operation, outcome: Outcome): void {
    operation.outcome = outcome;
    operation.answeredAt = this.#next();
    operation.answeredMs = performance.now();
  }

  /** Nobody knows what became of it: it stays open, and may take effect at any time. */
  lose(operation: Operation, why: string): void {
    operation.failure = why;
  }

  /** How many writes to the key nobody knows the end of. */
  openWrites(key: string): number {
    const ofKey = this.#operations.get(key) ?? [];
    return ofKey.filter(({ outcome, action }) => outcome === undefined && action.type !== 'read').length;
  }

  #next(): number {
    this.#place += 1;
    return this.#place;
  }
}
