/**
 * Reads one HTTP/1.1 response at a time from bytes that arrive in pieces (RFC 9112). Only what a client of an object
 * store meets: a status line, headers, then a body framed by its length, by chunks, or by the end of the connection.
 * Nothing is copied but the header's text: body bytes are handed on where they lie.
 */
import { OperationFailure } from './operation-failure.ts';

const HEADER_BYTES_MAX = 64 * 1024;
const CHUNK_LINE_BYTES_MAX = 1024;
const LINE_FEED = 10;

/** The start of a response. */
export interface ResponseHead {
  readonly status: number;
  /** Status line and headers without the final blank line, as sent. */
  readonly text: string;
  /** The same in lower case: offsets agree. */
  readonly lowerText: string;
  /** Bytes of the body when they are announced; undefined for chunked and for until-closed bodies. */
  readonly contentLength: number | undefined;
  /** Whether the server closes the connection behind this response. */
  readonly closes: boolean;
}

/** Receives a response's body. The chunk's memory is used again when `data` returns. */
export interface BodyReceiver {
  begin(head: ResponseHead): void;
  data(chunk: Buffer, from: number, to: number): void;
}

/** A header's value by its lower-case name, trimmed; undefined when it is missing. */
export function headerValue(
  head: Pick<ResponseHead, 'text' | 'lowerText'>,
  name: string,
): string | undefined {
  const at = head.lowerText.indexOf(`\r\n${name}:`);
  if (at < 0) return undefined;
  const start = at + name.length + 3;
  const end = head.text.indexOf('\r\n', start);
  return head.text.slice(start, end < 0 ? undefined : end).trim();
}

function violation(detail: string): OperationFailure {
  return new OperationFailure('protocol-violation', 'response-malformed', detail);
}

function isChunked(head: Pick<ResponseHead, 'text' | 'lowerText'>): boolean {
  return headerValue(head, 'transfer-encoding')?.toLowerCase().endsWith('chunked') === true;
}

export function parseHead(text: string): ResponseHead {
  const match = /^HTTP\/1\.([01]) (\d{3})(?: |\r\n|$)/.exec(text);
  if (match === null) throw violation(`not a status line: ${JSON.stringify(text.slice(0, 60))}`);
  const lowerText = text.toLowerCase();
  const fields = { text, lowerText };
  const length = headerValue(fields, 'content-length');
  if (length !== undefined && !/^\d{1,15}$/.test(length)) throw violation(`not a length: ${length}`);
  const connection = headerValue(fields, 'connection')?.toLowerCase();
  return {
    status: Number(match[2]),
    text,
    lowerText,
    contentLength: isChunked(fields) || length === undefined ? undefined : Number(length),
    closes: match[1] === '0' ? connection !== 'keep-alive' : connection === 'close',
  };
}

type State =
  | 'idle'
  | 'head'
  | 'sized'
  | 'until-closed'
  | 'chunk-size'
  | 'chunk-data'
  | 'chunk-end'
  | 'trailer';

export class ResponseReader {
  #state: State = 'idle';
  #line = '';
  #left = 0;
  #withoutBody = false;
  #receiver: BodyReceiver | undefined;
  #head: ResponseHead | undefined;

  /** Expects a response. @param withoutBody whether the request was a HEAD. */
  expect(withoutBody: boolean, receiver: BodyReceiver | undefined): void {
    this.#state = 'head';
    this.#line = '';
    this.#withoutBody = withoutBody;
    this.#receiver = receiver;
    this.#head = undefined;
  }

  /** Whether the connection may end here without breaking the response; ends it if so. */
  endOfStream(): ResponseHead | undefined {
    if (this.#state !== 'until-closed') return undefined;
    this.#state = 'idle';
    return this.#head;
  }

  /**
   * Takes the next bytes; returns the head when the response is complete, undefined when more must come.
   * Throws OperationFailure when the bytes are no response, or when more follow than the response has.
   */
  push(chunk: Buffer, length: number): ResponseHead | undefined {
    let at = 0;
    while (at < length) {
      if (this.#state === 'idle') {
        if (this.#head?.closes === true) break;
        throw violation('bytes follow the response');
      }
      at = this.#step(chunk, at, length);
    }
    return this.#state === 'idle' ? this.#head : undefined;
  }

  #step(chunk: Buffer, at: number, length: number): number {
    switch (this.#state) {
      case 'head':
        return this.#readHead(chunk, at, length);
      case 'sized':
      case 'chunk-data': {
        const end = Math.min(length, at + this.#left);
        this.#receiver?.data(chunk, at, end);
        this.#left -= end - at;
        if (this.#left === 0) this.#state = this.#state === 'sized' ? 'idle' : 'chunk-end';
        return end;
      }
      case 'until-closed':
        this.#receiver?.data(chunk, at, length);
        return length;
      default:
        return this.#readChunkLine(chunk, at, length);
    }
  }

  #readHead(chunk: Buffer, at: number, length: number): number {
    const before = this.#line.length;
    const text = this.#line + chunk.toString('latin1', at, Math.min(length, at + HEADER_BYTES_MAX));
    const end = text.indexOf('\r\n\r\n', Math.max(0, before - 3));
    if (end < 0) {
      if (text.length >= HEADER_BYTES_MAX) throw violation('the header has no end');
      this.#line = text;
      return length;
    }
    this.#line = '';
    const head = parseHead(text.slice(0, end));
    const next = at + end + 4 - before;
    // An interim response (100, 103) announces nothing; the final one follows.
    if (head.status >= 200) this.#begin(head);
    return next;
  }

  #begin(head: ResponseHead): void {
    // Some servers end what a HEAD has no body of: whatever comes, the connection is of no more use.
    const uncertain = this.#withoutBody && isChunked(head);
    this.#head = uncertain ? { ...head, closes: true } : head;
    const empty = this.#withoutBody || head.status === 204 || head.status === 304;
    this.#receiver?.begin(head);
    if (empty || head.contentLength === 0) this.#state = 'idle';
    else if (head.contentLength !== undefined) {
      this.#state = 'sized';
      this.#left = head.contentLength;
    } else this.#state = isChunked(head) ? 'chunk-size' : 'until-closed';
  }

  #readChunkLine(chunk: Buffer, at: number, length: number): number {
    const end = chunk.indexOf(LINE_FEED, at);
    const stop = end < 0 || end >= length ? length : end;
    this.#line += chunk.toString('latin1', at, stop);
    if (this.#line.length > CHUNK_LINE_BYTES_MAX) throw violation('a chunk line has no end');
    if (stop === length) return length;
    const line = this.#line.trim();
    this.#line = '';
    if (this.#state === 'chunk-size') {
      const size = /^[0-9a-f]{1,12}(?=$|;|\s)/i.exec(line);
      if (size === null) throw violation(`not a chunk size: ${JSON.stringify(line.slice(0, 40))}`);
      this.#left = Number.parseInt(size[0], 16);
      this.#state = this.#left === 0 ? 'trailer' : 'chunk-data';
    } else if (this.#state === 'chunk-end') {
      if (line !== '') throw violation('a chunk is longer than its size');
      this.#state = 'chunk-size';
    } else if (line === '') this.#state = 'idle';
    return stop + 1;
  }
}
