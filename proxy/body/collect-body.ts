/** Reads a small body whole, and verifies it on the spot. */
import type { BodyDecoder } from './body-decoder.ts';
import { entityTooLarge } from './body-decoder.ts';
import { type BodyExpectations, checkExpectations, expectedAlgorithms } from './body-expectations.ts';
import type { ChunkChain } from './chunk-chain.ts';
import { Digester, digestsOf } from './digester.ts';
import type { IncomingChunks } from './incoming-chunks.ts';
import type { CollectedBody } from './request-body.ts';
import { parseTrailer } from './trailer.ts';

/** What there is to read and to verify of one body. */
export interface BodyPlan {
  readonly decoder: BodyDecoder;
  readonly expectations: BodyExpectations;
  readonly chain: ChunkChain | undefined;
  readonly declaredLength: number | undefined;
}

const FIRST_BYTES = 16 * 1024;

export async function collectBody(
  chunks: IncomingChunks,
  plan: BodyPlan,
  limitBytes: number,
): Promise<CollectedBody> {
  const { decoder, chain } = plan;
  const collected = new Collected(plan.declaredLength, limitBytes);
  const chunkEnds: number[] = [];
  for (;;) {
    const next = chunks.next();
    const chunk = next instanceof Promise ? await next : next;
    if (chunk === undefined) break;
    decoder.feed(chunk);
    for (let piece = decoder.next(); piece !== undefined; piece = decoder.next()) {
      collected.append(piece.bytes);
      if (chain === undefined || piece.chunkSignature === undefined) continue;
      chain.claim(piece.chunkSignature);
      chunkEnds.push(collected.length);
    }
  }
  return verifyCollected(plan, collected.bytes(), chunkEnds);
}

/** @param chunkEnds where the signed chunks end. */
export function verifyCollected(plan: BodyPlan, bytes: Buffer, chunkEnds: readonly number[]): CollectedBody {
  const { decoder, expectations, chain } = plan;
  const end = decoder.finish();
  const trailer = parseTrailer(end.trailer);
  if (chain !== undefined) {
    chain.hashed(new Digester([]).chunkHashes(bytes, chunkEnds));
    chain.finish(end, trailer);
  }
  const values = digestsOf(expectedAlgorithms(expectations), bytes);
  return { bytes, digests: checkExpectations(expectations, values, bytes.length, trailer) };
}

/** A buffer of the declared length, or one that doubles when none was declared. */
class Collected {
  readonly #limitBytes: number;
  #buffer: Buffer;
  length = 0;

  constructor(declaredLength: number | undefined, limitBytes: number) {
    this.#limitBytes = limitBytes;
    this.#buffer = Buffer.allocUnsafe(declaredLength ?? Math.min(FIRST_BYTES, limitBytes));
  }

  append(bytes: Buffer): void {
    const length = this.length + bytes.length;
    if (length > this.#limitBytes) throw entityTooLarge(this.#limitBytes);
    if (length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(
        Math.min(this.#limitBytes, Math.max(length, this.#buffer.length * 2)),
      );
      this.#buffer.copy(larger, 0, 0, this.length);
      this.#buffer = larger;
    }
    bytes.copy(this.#buffer, this.length);
    this.length = length;
  }

  bytes(): Buffer {
    return this.#buffer.length === this.length ? this.#buffer : this.#buffer.subarray(0, this.length);
  }
}
