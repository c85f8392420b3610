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

/** Of a body that comes in more than one piece. */
const FIRST_BYTES = 4 * 1024;
const EMPTY = Buffer.alloc(0);

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

/** A buffer that doubles, up to what was declared: a slow sender holds little more than what it has sent. */
class Collected {
  readonly #limitBytes: number;
  readonly #most: number;
  #buffer = EMPTY;
  length = 0;

  constructor(declaredLength: number | undefined, limitBytes: number) {
    this.#limitBytes = limitBytes;
    this.#most = Math.min(declaredLength ?? limitBytes, limitBytes);
  }

  append(bytes: Buffer): void {
    const length = this.length + bytes.length;
    if (length > this.#limitBytes) throw entityTooLarge(this.#limitBytes);
    if (length > this.#buffer.length) {
      // Most bodies come in one piece, which says how much is wanted.
      const wanted =
        this.#buffer.length === 0 ? length : Math.max(length, FIRST_BYTES, this.#buffer.length * 2);
      const larger = Buffer.allocUnsafe(Math.max(length, Math.min(this.#most, wanted)));
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
