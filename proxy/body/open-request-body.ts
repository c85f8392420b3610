/** Makes a request's body of its stream and its headers. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { BodySink } from '#cluster/cluster.ts';
import { HoldfastError } from '#common/errors.ts';
import { AwsChunkedDecoder } from './aws-chunked.ts';
import type { BodyContext, BodyRequest } from './body-context.ts';
import { type BodyDecoder, PlainDecoder, entityTooLarge } from './body-decoder.ts';
import { readExpectations } from './body-expectations.ts';
import { ChunkChain } from './chunk-chain.ts';
import { type BodyPlan, collectBody, verifyCollected } from './collect-body.ts';
import { BodyDrain } from './drain-body.ts';
import { IncomingChunks } from './incoming-chunks.ts';
import {
  type BodyDigests,
  BodyError,
  type CollectedBody,
  type DrainOptions,
  type RequestBody,
} from './request-body.ts';

/** Longest body that is digested where it is received: handing it to a worker would cost more. */
export const INLINE_BYTES_MAX = 64 * 1024;
const EMPTY = Buffer.alloc(0);

/**
 * The stream is not touched before the body is read.
 * @param incoming an `http.IncomingMessage` whose body nothing else reads.
 * Throws BodyError: `MissingContentLength`, `EntityTooLarge`, `InvalidDigest`, `InvalidRequest`, `InvalidArgument`.
 */
export function openRequestBody(incoming: Readable, request: BodyRequest, context: BodyContext): RequestBody {
  const { headers, payload } = request;
  const { bodyBytesMax } = context.limits;
  const chunked = payload.kind === 'signed-chunks' || payload.kind === 'unsigned-chunks';
  const declaredLength = chunked ? decodedLength(headers) : plainLength(headers);
  if (declaredLength !== undefined && declaredLength > bodyBytesMax) {
    throw entityTooLarge(bodyBytesMax, declaredLength);
  }
  const expectations = readExpectations(headers, payload, {
    checksumsOfBody: request.checksumsOfBody ?? true,
    checksumByDefault: request.checksumByDefault,
  });
  const decoder: BodyDecoder = chunked
    ? new AwsChunkedDecoder({ decodedLength: declaredLength ?? 0, signed: payload.kind === 'signed-chunks' })
    : new PlainDecoder(declaredLength, bodyBytesMax);
  const chain =
    payload.kind === 'signed-chunks' ? new ChunkChain(payload.signing, payload.trailer) : undefined;
  const isEmpty = !chunked && declaredLength === 0;
  return new StreamedBody(incoming, { decoder, expectations, chain, declaredLength }, isEmpty, context);
}

function plainLength(headers: IncomingHttpHeaders): number | undefined {
  const length = headers['content-length'];
  if (length !== undefined) return parseLength('Content-Length', length);
  // Without either header there is no body (RFC 9112, section 6.3).
  return headers['transfer-encoding'] === undefined ? 0 : undefined;
}

function decodedLength(headers: IncomingHttpHeaders): number {
  const length = headers['x-amz-decoded-content-length'];
  if (length === undefined) {
    throw new BodyError(
      'MissingContentLength',
      'You must provide the Content-Length HTTP header: x-amz-decoded-content-length is missing.',
    );
  }
  const decoded = parseLength('x-amz-decoded-content-length', String(length));
  const encoded = headers['content-length'];
  if (encoded !== undefined && parseLength('Content-Length', encoded) < decoded) {
    throw new BodyError('InvalidRequest', 'x-amz-decoded-content-length is larger than Content-Length.');
  }
  return decoded;
}

function parseLength(name: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new BodyError('InvalidArgument', `${name} must be a length in bytes.`, {
    ArgumentName: name,
    ArgumentValue: text.slice(0, 64),
  });
}

class StreamedBody implements RequestBody {
  readonly declaredLength: number | undefined;
  readonly #incoming: Readable;
  readonly #plan: BodyPlan;
  readonly #isEmpty: boolean;
  readonly #context: BodyContext;
  #chunks: IncomingChunks | undefined;
  #taken = false;

  constructor(incoming: Readable, plan: BodyPlan, isEmpty: boolean, context: BodyContext) {
    this.declaredLength = plan.declaredLength;
    this.#incoming = incoming;
    this.#plan = plan;
    this.#isEmpty = isEmpty;
    this.#context = context;
  }

  async readAll(limitBytes: number): Promise<Buffer> {
    const { bytes } = await this.collect(limitBytes);
    return bytes;
  }

  async collect(limitBytes: number): Promise<CollectedBody> {
    this.#take();
    if ((this.declaredLength ?? 0) > limitBytes) throw entityTooLarge(limitBytes, this.declaredLength);
    if (this.#isEmpty) return verifyCollected(this.#plan, EMPTY, []);
    const chunks = this.#open();
    try {
      return await collectBody(chunks, this.#plan, limitBytes);
    } finally {
      chunks.stop();
    }
  }

  async drain(sink: BodySink, options: DrainOptions = {}): Promise<BodyDigests> {
    if (this.declaredLength !== undefined && this.declaredLength <= INLINE_BYTES_MAX) {
      const { bytes, digests } = await this.collect(INLINE_BYTES_MAX);
      if (bytes.length > 0) await sink(bytes);
      return digests;
    }
    this.#take();
    const chunks = this.#open();
    try {
      return await new BodyDrain(chunks, this.#plan, this.#context, sink, options).run();
    } finally {
      chunks.stop();
    }
  }

  async *pieces(): AsyncGenerator<Buffer> {
    const { decoder, expectations, chain } = this.#plan;
    const { md5Hex, payloadSha256Hex, checksum, trailerChecksum } = expectations;
    const promises = [chain, md5Hex, payloadSha256Hex, checksum, trailerChecksum];
    if (promises.some((promise) => promise !== undefined))
      throw new HoldfastError('invalid-argument', 'a body that is to be verified is read as a whole');
    this.#take();
    if (this.#isEmpty) return;
    const chunks = this.#open();
    try {
      for (;;) {
        const chunk = await chunks.next();
        if (chunk === undefined) break;
        decoder.feed(chunk);
        for (let piece = decoder.next(); piece !== undefined; piece = decoder.next()) yield piece.bytes;
      }
      decoder.finish();
    } finally {
      chunks.stop();
    }
  }

  async discard(limitBytes: number): Promise<boolean> {
    this.#taken = true;
    if (this.#isEmpty || this.#chunks?.ended === true) return true;
    const chunks = new IncomingChunks(this.#incoming, this.#context.clock, this.#context.limits);
    try {
      let discarded = 0;
      for (;;) {
        const chunk = await chunks.next();
        if (chunk === undefined) return true;
        discarded += chunk.length;
        if (discarded > limitBytes) return false;
      }
    } catch {
      // Gone, or stalled: either way the connection is of no more use, and there is nobody left to tell.
      return false;
    } finally {
      chunks.stop();
    }
  }

  #open(): IncomingChunks {
    this.#chunks = new IncomingChunks(this.#incoming, this.#context.clock, this.#context.limits);
    return this.#chunks;
  }

  #take(): void {
    if (this.#taken) throw new HoldfastError('invalid-argument', 'the body has been read already');
    this.#taken = true;
  }
}
