/**
 * Worker threads that compute digests of bytes in a buffer pool. `DigestPool.start({ buffers, workers? })` starts them,
 * `close()` ends them.
 */
export class DigestPool {
  async close(): Promise<void> {}
}
