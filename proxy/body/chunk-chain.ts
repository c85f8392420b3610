/**
 * The chain of a body's signatures: each covers its chunk and the signature before it, the first the request's own.
 * (Amazon S3 API Reference, "Signature Calculations … Transferring Payload in Multiple Chunks".)
 */
import { hash } from 'node:crypto';
import type { ChunkSigning } from '#proxy/auth/authentication.ts';
import { sameSignature } from '#proxy/auth/verify-signature.ts';
import { malformedTrailer } from './aws-chunked.ts';
import type { BodyEnd } from './body-decoder.ts';
import { EMPTY_SHA256 } from './digester.ts';
import { BodyError } from './request-body.ts';
import { TRAILER_SIGNATURE, canonicalTrailer } from './trailer.ts';

export class ChunkChain {
  readonly #signing: ChunkSigning;
  readonly #hasTrailer: boolean;
  /** What chunks claim that have been received and not been hashed yet, in order. */
  readonly #claimed: string[] = [];
  #previous: string;

  constructor(signing: ChunkSigning, hasTrailer: boolean) {
    this.#signing = signing;
    this.#hasTrailer = hasTrailer;
    this.#previous = signing.seedSignature;
  }

  claim(signature: string): void {
    this.#claimed.push(signature);
  }

  /** Verifies the oldest claims. Throws `SignatureDoesNotMatch`. */
  hashed(chunkHashes: readonly string[]): void {
    for (const chunkHash of chunkHashes) this.#verifyChunk(chunkHash, this.#claimed.shift() ?? '');
  }

  /** Verifies the end, once every chunk has been. */
  finish(end: BodyEnd, trailer: ReadonlyMap<string, string>): void {
    if (this.#claimed.length > 0) throw doesNotMatch('');
    this.#verifyChunk(EMPTY_SHA256, end.finalSignature ?? '');
    if (!this.#hasTrailer) return;
    const signature = trailer.get(TRAILER_SIGNATURE);
    if (signature === undefined) throw malformedTrailer();
    const text = `AWS4-HMAC-SHA256-TRAILER\n${this.#prefix()}\n${hash('sha256', canonicalTrailer(trailer))}`;
    this.#verify(text, signature);
  }

  #verifyChunk(chunkHash: string, signature: string): void {
    this.#verify(`AWS4-HMAC-SHA256-PAYLOAD\n${this.#prefix()}\n${EMPTY_SHA256}\n${chunkHash}`, signature);
  }

  #prefix(): string {
    return `${this.#signing.dateTime}\n${this.#signing.scope}\n${this.#previous}`;
  }

  #verify(stringToSign: string, signature: string): void {
    const expected = this.#signing.signingKey.sign(stringToSign);
    if (!sameSignature(expected, signature)) throw doesNotMatch(stringToSign);
    this.#previous = expected;
  }
}

function doesNotMatch(stringToSign: string): BodyError {
  return new BodyError(
    'SignatureDoesNotMatch',
    'The chunk signature we calculated does not match the signature you provided. Check your key and signing method.',
    { StringToSign: stringToSign },
  );
}
