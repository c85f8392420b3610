/** What a store takes at most; etcd's own defaults where it has one, so that both backends refuse the same. */
export const storeLimits = {
  keyBytesMax: 1024,
  valueBytesMax: 1024 * 1024,
  /** Keys and values of one transaction together. */
  transactionBytesMax: 1024 * 1024 + 256 * 1024,
  /** Comparisons, and operations of either branch. */
  operationsMax: 128,
  ttlSecondsMax: 1_000_000,
} as const;
