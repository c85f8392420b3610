/**
 * The aws-chunked encoding (Amazon S3 API Reference, "Signature Calculations for the Authorization Header: Transferring
 * Payload in Multiple Chunks", and "… Including Trailing Headers"):
 *
 *     body       = *chunk last-chunk trailer
 *     chunk      = size [";chunk-signature=" signature] CRLF size-bytes CRLF
 *     last-chunk = "0" [";chunk-signature=" signature] CRLF
 *     trailer    = *(name ":" value CRLF) [CRLF]
 *
 * The grammar is of the decoder only; signatures are handed on. Nothing is kept but a line that is not whole yet.
 */
import type { BodyDecoder, BodyEnd, DecodedPiece } from './body-decoder.ts';
import { BodyError } from './request-body.ts';

export const CHUNK_BYTES_MIN = 8192;
const LINE_BYTES_MAX = 128;
const TRAILER_BYTES_MAX = 8192;
const SIGNED_LINE = /^([0-9a-fA-F]{1,16});chunk-signature=([0-9a-f]{64})$/;
const UNSIGNED_LINE = /^([0-9a-fA-F]{1,16})$/;
const LF = 0x0a;
const NOTHING = Buffer.alloc(0);

export interface ChunkedOptions {
  /** x-amz-decoded-content-length */
  readonly decodedLength: number;
  readonly signed: boolean;
}

export class AwsChunkedDecoder implements BodyDecoder {
  readonly #signed: boolean;
  /** Bytes that are still to come in chunks, of the declared length. */
  #remaining: number;
  #state: 'size' | 'data' | 'data-end' | 'trailer' = 'size';
  #input: Buffer = NOTHING;
  #at = 0;
  #line = '';
  #trailer = '';
  #chunkLeft = 0;
  #chunkIndex = 0;
  #chunkSignature: string | undefined;
  #finalSignature: string | undefined;
  #shortChunk = -1;

  constructor(options: ChunkedOptions) {
    this.#signed = options.signed;
    this.#remaining = options.decodedLength;
  }

  feed(input: Buffer): void {
    this.#input = input;
    this.#at = 0;
  }

  next(): DecodedPiece | undefined {
    while (this.#at < this.#input.length) {
      if (this.#state === 'data') return this.#takeData();
      if (this.#state === 'trailer') this.#takeTrailer();
      else if (this.#takeLine()) this.#lineEnded();
    }
    this.#input = NOTHING;
    return undefined;
  }

  finish(): BodyEnd {
    if (this.#state !== 'trailer') throw incompleteChunks();
    return { finalSignature: this.#finalSignature, trailer: this.#trailer };
  }

  #takeData(): DecodedPiece {
    const end = Math.min(this.#input.length, this.#at + this.#chunkLeft);
    const bytes = this.#input.subarray(this.#at, end);
    this.#chunkLeft -= bytes.length;
    this.#at = end;
    if (this.#chunkLeft > 0) return { bytes, chunkSignature: undefined };
    this.#state = 'data-end';
    return { bytes, chunkSignature: this.#chunkSignature };
  }

  /** Whether the line is whole: `#line` then holds it without its end. */
  #takeLine(): boolean {
    const found = this.#input.indexOf(LF, this.#at);
    const end = found < 0 ? this.#input.length : found + 1;
    if (this.#line.length + end - this.#at > LINE_BYTES_MAX) throw malformedChunks();
    this.#line += this.#input.toString('latin1', this.#at, end);
    this.#at = end;
    if (found < 0) return false;
    if (!this.#line.endsWith('\r\n')) throw malformedChunks();
    this.#line = this.#line.slice(0, -2);
    return true;
  }

  #lineEnded(): void {
    const line = this.#line;
    this.#line = '';
    if (this.#state === 'size') {
      this.#startChunk(line);
      return;
    }
    if (line !== '') throw malformedChunks();
    this.#state = 'size';
  }

  #startChunk(line: string): void {
    const [, digits, signature] = (this.#signed ? SIGNED_LINE : UNSIGNED_LINE).exec(line) ?? [];
    if (digits === undefined) throw malformedChunks();
    const size = Number.parseInt(digits, 16);
    if (size > this.#remaining) throw incompleteChunks();
    if (size === 0) {
      if (this.#remaining > 0) throw incompleteChunks();
      this.#finalSignature = signature;
      this.#state = 'trailer';
      return;
    }
    this.#checkSize(size);
    this.#remaining -= size;
    this.#chunkLeft = size;
    this.#chunkSignature = signature;
    this.#state = 'data';
  }

  /** Only the last chunk may be short, or signatures would cost more than the bytes that they cover. */
  #checkSize(size: number): void {
    this.#chunkIndex += 1;
    if (!this.#signed) return;
    if (this.#shortChunk >= 0) {
      throw new BodyError(
        'InvalidChunkSizeError',
        `Only the last chunk is allowed to have a size less than ${CHUNK_BYTES_MIN} bytes`,
        { Chunk: String(this.#chunkIndex - 1), BadChunkSize: String(this.#shortChunk) },
      );
    }
    if (size < CHUNK_BYTES_MIN) this.#shortChunk = size;
  }

  #takeTrailer(): void {
    const rest = this.#input.length - this.#at;
    if (this.#trailer.length + rest > TRAILER_BYTES_MAX) throw malformedTrailer();
    this.#trailer += this.#input.toString('latin1', this.#at);
    this.#at = this.#input.length;
  }
}

function malformedChunks(): BodyError {
  return new BodyError('InvalidRequest', 'The chunks of the body are not well-formed aws-chunked encoding.');
}

function incompleteChunks(): BodyError {
  return new BodyError(
    'IncompleteBody',
    'The body does not have the number of bytes specified by the x-amz-decoded-content-length HTTP header',
  );
}

export function malformedTrailer(): BodyError {
  return new BodyError(
    'MalformedTrailerError',
    'The request contained trailing data that was not well-formed or did not conform to our published schema.',
  );
}
