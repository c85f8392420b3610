/** Which of a space's index shards a name's record is in. */
import { crc32 } from 'node:zlib';

/** CRC-32 (ISO 3309) of the name's UTF-8 bytes, modulo the number of shards: on disk, never changed. */
export function indexShard(name: string, shards: number): number {
  return shards === 1 ? 0 : crc32(name) % shards;
}
