/** What keeps a version from being deleted (Amazon S3 User Guide, "Locking objects with Object Lock"): pure. */
import { HoldfastError } from '#common/errors.ts';
import { asFields, integerField } from './json-section.ts';

export const retentionModes = ['GOVERNANCE', 'COMPLIANCE'] as const;
export type RetentionMode = (typeof retentionModes)[number];

export interface Retention {
  readonly mode: RetentionMode;
  /** Milliseconds since 1970. */
  readonly untilMs: number;
}

export interface ObjectLock {
  readonly retention?: Retention;
  /** Absent when nobody has ever said. */
  readonly legalHold?: boolean;
}

export interface Leave {
  /** Whether retention in governance mode does not hold for whoever asks. */
  readonly bypassesGovernance: boolean;
}

export function mayRemove(
  lock: ObjectLock | undefined,
  nowMs: number,
  { bypassesGovernance }: Leave,
): boolean {
  if (lock === undefined) return true;
  if (lock.legalHold === true) return false;
  const { retention } = lock;
  if (retention === undefined || retention.untilMs <= nowMs) return true;
  return retention.mode === 'GOVERNANCE' && bypassesGovernance;
}

/** Retention that is under way only grows, unless it is governance's and the one who asks may bypass that. */
export function mayRetain(
  before: Retention | undefined,
  after: Retention | undefined,
  nowMs: number,
  { bypassesGovernance }: Leave,
): boolean {
  if (before === undefined || before.untilMs <= nowMs) return true;
  const grows = after !== undefined && after.untilMs >= before.untilMs;
  if (before.mode === 'COMPLIANCE') return grows && after.mode === 'COMPLIANCE';
  return bypassesGovernance || (grows && after.mode === 'GOVERNANCE');
}

export function parseStoredLock(value: unknown): ObjectLock {
  const { retention, legalHold } = asFields(value);
  if (legalHold !== undefined && typeof legalHold !== 'boolean')
    throw new HoldfastError('format-invalid', 'a legal hold that is neither on nor off');
  return {
    ...(retention === undefined ? undefined : { retention: parseRetention(retention) }),
    ...(legalHold === undefined ? undefined : { legalHold }),
  };
}

function parseRetention(value: unknown): Retention {
  const fields = asFields(value);
  const mode = retentionModes.find((known) => known === fields['mode']);
  if (mode === undefined) throw new HoldfastError('format-invalid', 'a retention of no known mode');
  return { mode, untilMs: integerField(fields, 'untilMs') };
}
