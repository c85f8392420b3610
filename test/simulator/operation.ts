/** What clients do to a register in a schedule, and what that means for a register that is one variable. */

/** Undefined when the register holds no record. */
export type Value = string | undefined;

export type Action =
  | { readonly type: 'read' }
  /** A mutation that keeps what it finds: a read by other means. */
  | { readonly type: 'keep' }
  | { readonly type: 'put'; readonly value: string }
  | { readonly type: 'remove' }
  | { readonly type: 'putIfAbsent'; readonly value: string }
  | { readonly type: 'putIfEqual'; readonly value: string; readonly expected: Value };

/** What an operation answered: what it found, and whether it changed it. */
export interface Outcome {
  readonly found: Value;
  readonly applied: boolean;
  /** It did not tell what it found, only whether it changed it: `found` means nothing then. */
  readonly isBlind?: boolean;
}

export interface Operation {
  readonly number: number;
  readonly client: string;
  readonly key: string;
  readonly action: Action;
  /** Places in the one order of all invocations and answers. */
  readonly invokedAt: number;
  readonly invokedMs: number;
  /** Undefined while nothing has been answered: it may then take effect at any time later, or never. */
  answeredAt: number | undefined;
  answeredMs: number | undefined;
  outcome: Outcome | undefined;
  /** Why there is no outcome. */
  failure: string | undefined;
  /** It was answered that it had no effect and never will have. */
  withoutEffect: boolean;
}

/** Whether the action changes a register that holds `current`. */
export function applies(action: Action, current: Value): boolean {
  switch (action.type) {
    case 'read':
    case 'keep':
      return false;
    case 'put':
    case 'remove':
      return true;
    case 'putIfAbsent':
      return current === undefined;
    case 'putIfEqual':
      return current === action.expected;
  }
}

/** What the register holds after the action has changed it. */
export function valueAfter(action: Action): Value {
  return 'value' in action ? action.value : undefined;
}

export function describeAction(action: Action): string {
  switch (action.type) {
    case 'put':
      return `put ${action.value}`;
    case 'putIfAbsent':
      return `put ${action.value} if absent`;
    case 'putIfEqual':
      return `put ${action.value} if it is ${action.expected ?? 'absent'}`;
    default:
      return action.type;
  }
}
