/**
 * Whether two means differ by more than their noise: Welch's t interval of the difference (B. L. Welch, Biometrika 34,
 * 1947), which takes the two sides' spreads as they are.
 */

/** 97.5th percentiles of Student's t for 1 … 30 degrees of freedom. */
const T_975 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131,
  2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
] as const;
const T_975_LIMIT = 1.96;

export interface Difference {
  readonly meanA: number;
  readonly meanB: number;
  /** Of B less A, with 95 % confidence; null when a side has but one sample: then its noise is not known. */
  readonly interval: readonly [number, number] | null;
  /** Whether the interval leaves out 0. */
  readonly significant: boolean | null;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Of the mean: the samples' variance by their number. */
function varianceOfMean(values: readonly number[], average: number): number {
  const squares = values.reduce((sum, value) => sum + (value - average) ** 2, 0);
  return squares / (values.length - 1) / values.length;
}

export function differenceOf(a: readonly number[], b: readonly number[]): Difference {
  const meanA = mean(a);
  const meanB = mean(b);
  if (a.length < 2 || b.length < 2) return { meanA, meanB, interval: null, significant: null };
  const varianceA = varianceOfMean(a, meanA);
  const varianceB = varianceOfMean(b, meanB);
  const variance = varianceA + varianceB;
  const degrees =
    variance === 0 ? 1 : variance ** 2 / (varianceA ** 2 / (a.length - 1) + varianceB ** 2 / (b.length - 1));
  const t = T_975[Math.max(1, Math.floor(degrees)) - 1] ?? T_975_LIMIT;
  const half = t * Math.sqrt(variance);
  const difference = meanB - meanA;
  const interval = [difference - half, difference + half] as const;
  return { meanA, meanB, interval, significant: interval[0] > 0 || interval[1] < 0 };
}
