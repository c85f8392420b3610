/** How a device divides the memory that it may use for its caches. */
const MIB = 1024 * 1024;
const DEFAULT_BYTES = 16 * MIB;
const WRITE_BUFFER_BYTES_MIN = MIB;

export interface DeviceMemory {
  /** LevelDB's blocks. */
  readonly blockCacheBytes: number;
  /** LevelDB's newest rows; there are two of them while one is written to its disk. */
  readonly writeBufferBytes: number;
  readonly rowCacheBytes: number;
}

/** @param bytes all of it together; 16 MiB when left out. */
export function divideMemory(bytes: number = DEFAULT_BYTES): DeviceMemory {
  const eighth = Math.floor(bytes / 8);
  return {
    // The system's page cache stands behind it; the caches of rows save the call as well.
    blockCacheBytes: eighth,
    writeBufferBytes: Math.max(WRITE_BUFFER_BYTES_MIN, eighth),
    rowCacheBytes: 5 * eighth,
  };
}
