/** Takes the framing off a body. A decoder is fed what was received and asked for pieces until it has no more. */
import { BodyError } from './request-body.ts';

export interface DecodedPiece {
  /** A part of what was fed, or nothing. */
  readonly bytes: Buffer;
  /** The signature that the piece's chunk claims, when the chunk ends with this piece. */
  readonly chunkSignature: string | undefined;
}

export interface BodyEnd {
  /** What the empty chunk at the end claims, where chunks are signed. */
  readonly finalSignature: string | undefined;
  /** What followed the last chunk: the trailer's lines, Latin-1. */
  readonly trailer: string;
}

export interface BodyDecoder {
  /** Must not be called before `next` has returned undefined for what was fed last. */
  feed(input: Buffer): void;
  next(): DecodedPiece | undefined;
  /** The sender has ended. Throws `IncompleteBody` when the framing or the declared length has not. */
  finish(): BodyEnd;
}

const NO_FRAMING: BodyEnd = Object.freeze({ finalSignature: undefined, trailer: '' });

/** A body as it is, of declared length or of at most `lengthMax` bytes. */
export class PlainDecoder implements BodyDecoder {
  readonly #declaredLength: number | undefined;
  readonly #lengthMax: number;
  #received = 0;
  #input: Buffer | undefined;

  constructor(declaredLength: number | undefined, lengthMax: number) {
    this.#declaredLength = declaredLength;
    this.#lengthMax = lengthMax;
  }

  feed(input: Buffer): void {
    this.#received += input.length;
    if (this.#received > (this.#declaredLength ?? Infinity)) throw incompleteBody();
    if (this.#received > this.#lengthMax) throw entityTooLarge(this.#lengthMax);
    this.#input = input;
  }

  next(): DecodedPiece | undefined {
    const bytes = this.#input;
    this.#input = undefined;
    return bytes === undefined ? undefined : { bytes, chunkSignature: undefined };
  }

  finish(): BodyEnd {
    if (this.#declaredLength !== undefined && this.#received !== this.#declaredLength) throw incompleteBody();
    return NO_FRAMING;
  }
}

export function incompleteBody(): BodyError {
  return new BodyError(
    'IncompleteBody',
    'You did not provide the number of bytes specified by the Content-Length HTTP header',
  );
}

export function entityTooLarge(lengthMax: number, proposed?: number): BodyError {
  return new BodyError('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size', {
    ...(proposed === undefined ? {} : { ProposedSize: String(proposed) }),
    MaxSizeAllowed: String(lengthMax),
  });
}
