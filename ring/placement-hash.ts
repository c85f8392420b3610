/**
 * From a placement key's bytes to the 32 bits that choose its partition: the upper half of xxHash64 with seed 0
 * (Collet, xxHash specification 0.1.1). The cluster's data is found by it: it may never change.
 */
import xxhash from 'xxhash-wasm';

/** The highest 32 bits of the key's hash, unsigned: what `Ring.partitionOfHigh` takes. */
export type PlacementHash = (bytes: Uint8Array) => number;

/** Loads the wasm module; made once per process and passed on. */
export async function createPlacement(): Promise<PlacementHash> {
  const hasher = await xxhash();
  return (bytes) => Number(hasher.h64Raw(bytes) >> 32n);
}
