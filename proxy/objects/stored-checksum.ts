/** A checksum as it is stored beside an object or a part: docs/formats/object-record.md. */
import { HoldfastError } from '#common/errors.ts';
import { type ChecksumAlgorithm, checksumAlgorithms } from '#proxy/body/request-body.ts';

export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

export interface StoredChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  /** Base64; a composite one ends in `-` and the number of parts. */
  readonly value: string;
}

/** How an upload's checksums are to be made. */
export type ChecksumPlan = Pick<StoredChecksum, 'algorithm' | 'type'>;

const FULL_OBJECT_FLAG = 16;
/** Listings show one of these for every object. */
const COMPOSITE_PLANS = plansOf('COMPOSITE');
const FULL_OBJECT_PLANS = plansOf('FULL_OBJECT');

export function algorithmNumber(algorithm: ChecksumAlgorithm | undefined): number {
  return algorithm === undefined ? 0 : checksumAlgorithms.indexOf(algorithm) + 1;
}

export function algorithmOfNumber(number: number): ChecksumAlgorithm | undefined {
  const algorithm = checksumAlgorithms[number - 1];
  if (number !== 0 && algorithm === undefined)
    throw new HoldfastError('format-invalid', `checksum ${number} is unknown`);
  return algorithm;
}

export function checksumByte(plan: ChecksumPlan | undefined): number {
  if (plan === undefined) return 0;
  return algorithmNumber(plan.algorithm) + (plan.type === 'FULL_OBJECT' ? FULL_OBJECT_FLAG : 0);
}

export function planOfByte(byte: number): ChecksumPlan | undefined {
  const algorithm = algorithmOfNumber(byte & ~FULL_OBJECT_FLAG);
  if (algorithm === undefined) return undefined;
  return ((byte & FULL_OBJECT_FLAG) === 0 ? COMPOSITE_PLANS : FULL_OBJECT_PLANS)[algorithm];
}

function plansOf(type: ChecksumType): Readonly<Record<ChecksumAlgorithm, ChecksumPlan>> {
  const plans = checksumAlgorithms.map(
    (algorithm) => [algorithm, Object.freeze({ algorithm, type })] as const,
  );
  return Object.fromEntries(plans) as Record<ChecksumAlgorithm, ChecksumPlan>;
}
