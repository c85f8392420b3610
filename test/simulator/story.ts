/** Tells a key's history that can't have happened, without what is not needed to see that. */
import { isLinearizable } from './linearizability.ts';
import { type Operation, type Outcome, describeAction } from './operation.ts';

/**
 * The fewest operations that still contradict each other. Only what makes a history easier to explain is left out: an operation
 * that changed nothing, or the moment of an answer. So what remains contradicts itself for the same reason.
 * @param operations of one key, not linearizable.
 */
export function minimalHistory(operations: readonly Operation[]): Operation[] {
  let kept = untilContradiction(operations);
  for (const operation of kept) {
    const without = kept.filter((other) => other !== operation);
    if (changesNothing(operation) && !isLinearizable(without)) kept = without;
  }
  return kept;
}

/** The history until the first answer that contradicts what was before it. */
function untilContradiction(operations: readonly Operation[]): Operation[] {
  const answers = operations
    .flatMap(({ outcome, answeredAt }) =>
      outcome === undefined || answeredAt === undefined ? [] : [answeredAt],
    )
    .sort((a, b) => a - b);
  for (const answeredAt of answers) {
    const until = asKnownAt(operations, answeredAt);
    if (!isLinearizable(until)) return until;
  }
  return [...operations];
}

/** What was known at that moment: operations begun by then, without the answers that came later. */
function asKnownAt(operations: readonly Operation[], at: number): Operation[] {
  return operations
    .filter((operation) => operation.invokedAt <= at)
    .map((operation) =>
      operation.answeredAt === undefined || operation.answeredAt <= at
        ? operation
        : {
            ...operation,
            outcome: undefined,
            answeredAt: undefined,
            answeredMs: undefined,
            failure: undefined,
          },
    );
}

function changesNothing(operation: Operation): boolean {
  if (operation.withoutEffect) return true;
  if (operation.outcome !== undefined) return !operation.outcome.applied;
  return operation.action.type === 'read' || operation.action.type === 'keep';
}

/** One line an event, in the order of time. */
export function tellStory(operations: readonly Operation[]): string[] {
  const lines: { readonly at: number; readonly text: string }[] = [];
  for (const operation of operations) {
    const name = `${operation.client} #${operation.number}`;
    const begins = `${timeOf(operation.invokedMs)}  ${name} begins: ${describeAction(operation.action)}`;
    lines.push({ at: operation.invokedAt, text: begins });
    if (operation.answeredAt === undefined || operation.answeredMs === undefined) continue;
    lines.push({
      at: operation.answeredAt,
      text: `${timeOf(operation.answeredMs)}  ${name} ends: ${describeEnd(operation)}`,
    });
  }
  return lines.sort((a, b) => a.at - b.at).map((line) => line.text);
}

function describeEnd(operation: Operation): string {
  if (operation.outcome !== undefined) return describeOutcome(operation.outcome);
  return `${operation.withoutEffect ? 'without effect' : 'nobody knows how'} (${operation.failure ?? ''})`;
}

function describeOutcome(outcome: Outcome): string {
  if (outcome.isBlind === true) return outcome.applied ? 'done' : 'its condition failed';
  return `found ${outcome.found ?? 'nothing'}${outcome.applied ? ', and changed it' : ''}`;
}

function timeOf(ms: number): string {
  return `${ms.toFixed(2).padStart(8)} ms`;
}
