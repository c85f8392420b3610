/** What a bulk operation may be asked for; /info tells clients. */
export const bulkLimits = {
  deletesMax: 10_000,
  deleteFailuresMax: 1000,
  /** Containers that one archive may create. */
  containersMax: 10_000,
  uploadFailuresMax: 1000,
  /** Archives unpacked at a time by one proxy: each may have a child process. */
  uploadsMax: 32,
  archive: {
    /** Members of all kinds in one archive. */
    entriesMax: 1_000_000,
    freeBytes: 64 * 1024 * 1024,
    ratioMax: 200,
  },
} as const;
