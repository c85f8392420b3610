/**
 * What the digest pool and a worker of it say to each other. A stream is one body's share of digests; a worker answers
 * each `update` and each `finish` of a stream in order. Offsets are into the buffer pool's memory.
 */
import type { PageMemory } from '#common/io/page-memory.ts';
import type { DigestAlgorithm, DigestValues } from './digester.ts';

/** What a worker is started with. */
export interface DigestWorkerData {
  readonly memory: PageMemory;
  /** From here on LANES_BYTES of the memory are the worker's own. */
  readonly scratchAt: number;
}

export type DigestRequest =
  | { readonly kind: 'open'; readonly stream: number; readonly algorithms: readonly DigestAlgorithm[] }
  | {
      readonly kind: 'update';
      readonly stream: number;
      readonly offset: number;
      readonly length: number;
      /** Where signed chunks end, relative to `offset`; undefined when no chunk is hashed. */
      readonly chunkEnds: readonly number[] | undefined;
    }
  | { readonly kind: 'finish'; readonly stream: number }
  | { readonly kind: 'drop'; readonly stream: number };

export type DigestReply =
  | { readonly kind: 'updated'; readonly stream: number; readonly chunkHashes: readonly string[] }
  | { readonly kind: 'finished'; readonly stream: number; readonly values: DigestValues };
