/** Refuses a transaction that either backend would not take, before anything of it is done. */
import { HoldfastError } from '#common/errors.ts';
import { checkKey, checkRange, isWithin, type KeyRange } from './key-range.ts';
import { storeLimits } from './limits.ts';
import type { Operation, Transaction } from './store.ts';

export function checkTransaction({ compare = [], then, otherwise = [] }: Transaction): void {
  const most = storeLimits.operationsMax;
  if (compare.length > most || then.length > most || otherwise.length > most)
    throw new HoldfastError('invalid-argument', `a transaction has at most ${most} operations`);
  let bytes = 0;
  for (const comparison of compare) {
    checkKey(comparison.key);
    bytes += comparison.key.length;
    if (comparison.target === 'value') bytes += comparison.to.length;
    else checkRevision(comparison.to);
  }
  bytes += checkBranch(then) + checkBranch(otherwise);
  if (bytes > storeLimits.transactionBytesMax)
    throw new HoldfastError(
      'invalid-argument',
      `a transaction has at most ${storeLimits.transactionBytesMax} bytes`,
    );
}

/** The bytes of a branch. */
function checkBranch(operations: readonly Operation[]): number {
  const put = new Set<string>();
  const deleted: KeyRange[] = [];
  let bytes = 0;
  for (const operation of operations) {
    if (operation.kind !== 'put') {
      checkRange(operation.range);
      bytes += operation.range.from.length + operation.range.to.length;
      if (operation.kind === 'delete') deleted.push(operation.range);
      else checkLimit(operation.limit);
      continue;
    }
    checkKey(operation.key);
    if (operation.value.length > storeLimits.valueBytesMax)
      throw new HoldfastError('invalid-argument', `a value has at most ${storeLimits.valueBytesMax} bytes`);
    if (put.has(operation.key)) throw changedTwice(operation.key);
    put.add(operation.key);
    bytes += operation.key.length + operation.value.length;
  }
  for (const key of put) if (deleted.some((range) => isWithin(key, range))) throw changedTwice(key);
  return bytes;
}

function changedTwice(key: string): HoldfastError {
  return new HoldfastError('invalid-argument', `the transaction changes ${key} twice`);
}

export function checkRevision(revision: number | undefined): void {
  if (revision !== undefined && (!Number.isSafeInteger(revision) || revision < 0))
    throw new HoldfastError('invalid-argument', 'a revision is a whole number');
}

export function checkLimit(limit: number | undefined): void {
  if (limit !== undefined && (!Number.isSafeInteger(limit) || limit < 1))
    throw new HoldfastError('invalid-argument', 'a limit is a whole number, 1 or more');
}

export function checkTtl(ttlSeconds: number): void {
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < 1 || ttlSeconds > storeLimits.ttlSecondsMax)
    throw new HoldfastError(
      'invalid-argument',
      `a lease lasts 1 to ${storeLimits.ttlSecondsMax} whole seconds`,
    );
}
