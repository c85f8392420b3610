/**
 * Whether the history of one register could have come from one variable, to which every operation happened at one moment
 * between its invocation and its answer (Herlihy, Wing, "Linearizability", 1990). The search is Wing and Gong's, with
 * Lowe's list and memory ("Testing for linearizability", 2016).
 */
import { type Operation, type Value, applies, valueAfter } from './operation.ts';

/** An invocation or an answer, in the list of those whose operation has not been given its moment yet. */
interface Entry {
  readonly index: number;
  readonly operation: Operation | undefined;
  /** Of an invocation: the entry of its answer; undefined when there was none. */
  answer: Entry | undefined;
  readonly isAnswer: boolean;
  before: Entry | undefined;
  after: Entry | undefined;
}

interface Placed {
  readonly entry: Entry;
  readonly valueBefore: Value;
}

/** @param operations of one key. An operation without an outcome may have taken effect at any time after its invocation. */
export function isLinearizable(operations: readonly Operation[]): boolean {
  const relevant = relevantOf(operations);
  const head = listOf(relevant);
  let unanswered = relevant.filter((operation) => operation.outcome !== undefined).length;
  const placedBits = new Uint32Array((relevant.length >> 5) + 1);
  const seen = new Set<string>();
  const placed: Placed[] = [];
  let value: Value;
  let entry = head.after;
  while (unanswered > 0) {
    const operation = entry?.operation;
    if (entry === undefined || operation === undefined || entry.isAnswer) {
      // An answer whose operation can't have its moment here: the last choice was wrong.
      const last = placed.pop();
      if (last === undefined) return false;
      restore(last.entry);
      flip(placedBits, last.entry.index);
      if (last.entry.answer !== undefined) unanswered += 1;
      value = last.valueBefore;
      entry = last.entry.after;
      continue;
    }
    const next = step(operation, value);
    if (next === 'impossible' || !isNew(seen, placedBits, entry.index, next.value)) {
      entry = entry.after;
      continue;
    }
    placed.push({ entry, valueBefore: value });
    flip(placedBits, entry.index);
    if (entry.answer !== undefined) unanswered -= 1;
    remove(entry);
    value = next.value;
    entry = head.after;
  }
  return true;
}

/**
 * The operations that the search has to place. One without an answer matters when somebody can have seen what it wrote: otherwise
 * whatever follows it could follow what was before it, as every mutation tells what it found.
 */
function relevantOf(operations: readonly Operation[]): Operation[] {
  const seen = new Set<Value>();
  // A condition that failed on something that it did not tell may have failed on any of them.
  const anyMatters = operations.some(({ outcome }) => outcome?.isBlind === true && !outcome.applied);
  for (const { outcome, action } of operations) {
    if (outcome !== undefined) {
      if (outcome.isBlind !== true) seen.add(outcome.found);
    } else if (action.type === 'putIfEqual') seen.add(action.expected);
    else if (action.type === 'putIfAbsent') seen.add(undefined);
  }
  return operations.filter(({ outcome, action, withoutEffect }) => {
    if (outcome !== undefined) return true;
    const changes = action.type !== 'read' && action.type !== 'keep' && !withoutEffect;
    return changes && (anyMatters || seen.has(valueAfter(action)));
  });
}

function step(operation: Operation, value: Value): { readonly value: Value } | 'impossible' {
  const { outcome, action } = operation;
  const applied = applies(action, value);
  const next = applied ? valueAfter(action) : value;
  // What changes nothing and has no answer can as well never have happened.
  if (outcome === undefined) return next === value ? 'impossible' : { value: next };
  const fits = outcome.isBlind === true || outcome.found === value;
  return fits && outcome.applied === applied ? { value: next } : 'impossible';
}

function flip(bits: Uint32Array, index: number): void {
  bits[index >> 5] = ((bits[index >> 5] as number) ^ (1 << (index & 31))) >>> 0;
}

/** Whether this set of placed operations with this value has not been tried before; remembers it. */
function isNew(seen: Set<string>, bits: Uint32Array, index: number, value: Value): boolean {
  flip(bits, index);
  const name = `${bits.join(',')} ${value ?? ''}`;
  flip(bits, index);
  if (seen.has(name)) return false;
  seen.add(name);
  return true;
}

/** The invocations and answers in their order, behind a head that stands for none. */
function listOf(operations: readonly Operation[]): Entry {
  const timed: { readonly at: number; readonly entry: Entry }[] = [];
  operations.forEach((operation, index) => {
    const blank = { index, operation, before: undefined, after: undefined };
    const entry: Entry = { ...blank, isAnswer: false, answer: undefined };
    timed.push({ at: operation.invokedAt, entry });
    if (operation.outcome === undefined || operation.answeredAt === undefined) return;
    entry.answer = { ...blank, isAnswer: true, answer: undefined };
    timed.push({ at: operation.answeredAt, entry: entry.answer });
  });
  timed.sort((a, b) => a.at - b.at);
  const head: Entry = {
    index: -1,
    operation: undefined,
    answer: undefined,
    isAnswer: false,
    before: undefined,
    after: undefined,
  };
  let last = head;
  for (const { entry } of timed) {
    last.after = entry;
    entry.before = last;
    last = entry;
  }
  return head;
}

function remove(entry: Entry): void {
  unlink(entry);
  if (entry.answer !== undefined) unlink(entry.answer);
}

function restore(entry: Entry): void {
  if (entry.answer !== undefined) relink(entry.answer);
  relink(entry);
}

function unlink(entry: Entry): void {
  if (entry.before !== undefined) entry.before.after = entry.after;
  if (entry.after !== undefined) entry.after.before = entry.before;
}

function relink(entry: Entry): void {
  if (entry.before !== undefined) entry.before.after = entry;
  if (entry.after !== undefined) entry.after.before = entry;
}
