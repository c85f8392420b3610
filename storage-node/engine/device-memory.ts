/** How a device divides the memory that it may use for its caches. */
const MIB = 1024 * 1024;
const DEFAULT_BYTES = 16 * MIB;
const WRITE_BUFFER_BYTES_MIN = MIB;
/** LevelDB keeps blocks only of what it does not map into memory: tables beyond the first thousand. */
const BLOCK_CACHE_BYTES = 256 * 1024;

export interface DeviceMemory {
  /** LevelDB's blocks. */
  readonly blockCacheBytes: number;
  /** LevelDB's newest rows; there are two of them while one is written to its disk. */
  readonly writeBufferBytes: number;
  readonly rowCacheBytes: number;
}

/**
 * A write buffer of 1 MiB costs LevelDB 3 to 5 % of a core at 3,000 records a second, for merging so many small tables; one of 4 MiB 1 %.
 * @param bytes all of it together; 16 MiB when left out.
 */
export function divideMemory(bytes: number = DEFAULT_BYTES): DeviceMemory {
  const tenth = Math.floor(bytes / 10);
  return {
    blockCacheBytes: BLOCK_CACHE_BYTES,
    writeBufferBytes: Math.max(WRITE_BUFFER_BYTES_MIN, 3 * tenth),
    rowCacheBytes: 4 * tenth,
  };
}
