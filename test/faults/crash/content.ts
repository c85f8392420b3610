/** Bodies that tell on sight what they are: no two have a piece in common, so that a torn one, or one of two mixed, is noticed. */
import { createCipheriv, createHash } from 'node:crypto';

/** One value that was written to a key. */
export interface Value {
  /** Unique in a run. */
  readonly version: number;
  readonly bytes: number;
  readonly etag: string;
}

const NO_COUNTER = Buffer.alloc(16);

export function contentOf(name: string, version: number, bytes: number): Buffer {
  const key = createHash('sha256').update(`${name} ${version}`).digest().subarray(0, 16);
  return createCipheriv('aes-128-ctr', key, NO_COUNTER).update(Buffer.alloc(bytes));
}

export function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}

/** What S3 calls an object that was put together from one part. */
export function etagOfOnePart(part: Uint8Array): string {
  return `${md5(createHash('md5').update(part).digest())}-1`;
}
