/** CRC-32C (Castagnoli), as RFC 3720 appendix B.4 gives it; it can be continued: crc(ab) = crc(b, crc(a)). */
import { crc32c as native } from '@node-rs/crc32';

export function crc32c(bytes: Uint8Array, start = 0): number {
  return native(bytes, start);
}
