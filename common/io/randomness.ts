/** The randomness seam. */
export interface Randomness {
  bytes(length: number): Buffer;
  /** An integer, 0 ≤ n < bound, bound ≤ 2^48. */
  below(bound: number): number;
}
