/** Digests of generated content: what an ETag must be, and what a signed payload declares. */
import { createHash, hash } from 'node:crypto';
import { BLOCK_BYTES, type ContentKey, type ContentSource } from './content.ts';

/** Blocks digested before other connections get their turn. */
const BLOCKS_IN_ONE_TURN = 32;

/** Hexadecimal digest of bytes `start` … `start + lengthBytes` of an object; `start` is a multiple of 64 KiB. */
export async function contentDigest(
  algorithm: 'md5' | 'sha256',
  source: ContentSource,
  key: ContentKey,
  start: number,
  lengthBytes: number,
): Promise<string> {
  const buffer = source.scratch;
  if (lengthBytes <= BLOCK_BYTES) {
    source.generate(buffer.words, 0, key, start, lengthBytes);
    return hash(algorithm, buffer.bytes.subarray(0, lengthBytes), 'hex');
  }
  const digest = createHash(algorithm);
  for (let done = 0, blocks = 1; done < lengthBytes; done += BLOCK_BYTES, blocks++) {
    const length = Math.min(BLOCK_BYTES, lengthBytes - done);
    source.generate(buffer.words, 0, key, start + done, length);
    digest.update(buffer.bytes.subarray(0, length));
    if (blocks % BLOCKS_IN_ONE_TURN === 0) await new Promise(setImmediate);
  }
  return digest.digest('hex');
}
