/**
 * One keep-alive connection to an HTTP/1.1 server with one request in flight, cheap enough that a measurement shows
 * the server: bytes are read into one buffer that is used again, a small body leaves with its header in one write,
 * a large one from a few buffers that the system gives back. Nothing is retried; every break is the caller's to count.
 */
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectSecure } from 'node:tls';
import { generationBuffer } from './content.ts';
import { OperationFailure, socketFailure, stopped, timedOut } from './operation-failure.ts';
import { type BodyReceiver, type ResponseHead, ResponseReader } from './response-reader.ts';

const SMALL_BODY_BYTES_MAX = 64 * 1024;
const HEAD_BYTES_MAX = 4096;
/** A multiple of the content's blocks. */
const SEND_CHUNK_BYTES = 256 * 1024;
/** The system copies from one while the next is filled. */
const SEND_CHUNKS = 3;
const READ_BUFFER_SMALL_BYTES = 64 * 1024;
const READ_BUFFER_LARGE_BYTES = 256 * 1024;

export interface Endpoint {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
}

/** A body to send. `fill` writes bytes `position` … `position + lengthBytes` to `into` from its word `intoWord` on. */
export interface OutgoingBody {
  readonly lengthBytes: number;
  fill(into: Int32Array, intoWord: number, position: number, lengthBytes: number): void;
}

export interface HttpRequest {
  /** Request line and headers with the final blank line; `Content-Length` agrees with `body`. */
  readonly head: string;
  /** Whether it is a HEAD request, whose response has no body. */
  readonly responseWithoutBody?: boolean;
  readonly body?: OutgoingBody | undefined;
  readonly receiver?: BodyReceiver | undefined;
}

interface Waiting {
  resolve(head: ResponseHead): void;
  reject(failure: OperationFailure): void;
}

interface SendChunk {
  readonly words: Int32Array;
  readonly bytes: Buffer;
}

export class HttpConnection {
  readonly #endpoint: Endpoint;
  readonly #timeoutMs: number;
  readonly #readBuffer: Buffer;
  readonly #reader = new ResponseReader();
  /** Header and small body: the header ends where the body begins, so one write takes both. */
  readonly #small: SendChunk;
  readonly #smallBodyBytesMax: number;
  readonly #chunks: SendChunk[] = [];
  #socket: Socket | undefined;
  #waiting: Waiting | undefined;
  #body: OutgoingBody | undefined;
  #bodyPosition = 0;
  #chunksAllocated = 0;
  #unsentWrites = 0;
  #progressAtMs = 0;
  #opened = 0;
  /** Until the connection can be used: a socket that waits for TLS is no longer connecting. */
  #opening = false;

  constructor(endpoint: Endpoint, timeoutMs: number, sizeBytesMax: number) {
    this.#endpoint = endpoint;
    this.#timeoutMs = timeoutMs;
    const large = sizeBytesMax > SMALL_BODY_BYTES_MAX;
    this.#smallBodyBytesMax = Math.min(sizeBytesMax, SMALL_BODY_BYTES_MAX);
    this.#small = generationBuffer(HEAD_BYTES_MAX + this.#smallBodyBytesMax);
    this.#readBuffer = Buffer.allocUnsafeSlow(large ? READ_BUFFER_LARGE_BYTES : READ_BUFFER_SMALL_BYTES);
  }

  /** Connections opened so far: more than one when the server closed some. */
  get opened(): number {
    return this.#opened;
  }

  /** Connects now, so that the first request need not. */
  async open(): Promise<void> {
    if (this.#socket !== undefined) return;
    const { host, port, secure } = this.#endpoint;
    await new Promise<void>((done, reject) => {
      const resolve = (): void => {
        this.#opening = false;
        done();
      };
      const socket = secure
        ? connectSecure({ host, port, servername: isIP(host) === 0 ? host : '' }, resolve)
        : connectPlain(
            {
              host,
              port,
              noDelay: true,
              onread: {
                buffer: this.#readBuffer,
                callback: (length) => {
                  this.#received(this.#readBuffer, length);
                  return true;
                },
              },
            },
            resolve,
          );
      if (secure) {
        socket.setNoDelay(true);
        socket.on('data', (chunk: Buffer) => this.#received(chunk, chunk.length));
      }
      this.#socket = socket;
      this.#opening = true;
      this.#unsentWrites = 0;
      this.#progressAtMs = performance.now();
      socket.on('error', (error) => {
        reject(socketFailure(error));
        this.#closed(socket, socketFailure(error));
      });
      socket.on('close', () => {
        const failure = new OperationFailure('peer-unavailable', 'connection-closed', 'the server closed');
        reject(failure);
        this.#closed(socket, failure);
      });
    });
    this.#opened++;
  }

  /** Sends the request and resolves when its response has wholly arrived; connects first when need be. */
  async exchange(request: HttpRequest): Promise<ResponseHead> {
    if (this.#waiting !== undefined) throw new TypeError('one request at a time');
    if (this.#socket === undefined) await this.open();
    return await new Promise<ResponseHead>((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#reader.expect(request.responseWithoutBody === true, request.receiver);
      this.#progressAtMs = performance.now();
      this.#send(request);
    });
  }

  /** Fails what is under way when nothing has moved for the timeout. To be called every second or so. */
  checkProgress(nowMs: number): void {
    if (this.#waiting === undefined && !this.#opening) return;
    if (nowMs - this.#progressAtMs > this.#timeoutMs) this.destroy(timedOut(this.#timeoutMs / 1000));
  }

  destroy(failure: OperationFailure = stopped()): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    if (this.#opening) socket.destroy(failure);
    else {
      this.#closed(socket, failure);
      socket.destroy();
    }
  }

  #send(request: HttpRequest): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    const { head, body } = request;
    if (head.length > HEAD_BYTES_MAX) throw new RangeError('the header is too long');
    const headStart = HEAD_BYTES_MAX - head.length;
    this.#small.bytes.write(head, headStart, 'latin1');
    let end = HEAD_BYTES_MAX;
    if (body !== undefined && body.lengthBytes <= this.#smallBodyBytesMax) {
      body.fill(this.#small.words, HEAD_BYTES_MAX / 4, 0, body.lengthBytes);
      end += body.lengthBytes;
    } else if (body !== undefined) {
      this.#body = body;
      this.#bodyPosition = 0;
    }
    this.#write(socket, this.#small.bytes.subarray(headStart, end), undefined);
    this.#sendChunks();
  }

  #sendChunks(): void {
    while (this.#body !== undefined && this.#socket !== undefined) {
      const body = this.#body;
      const chunk = this.#takeChunk();
      if (chunk === undefined) return;
      const length = Math.min(SEND_CHUNK_BYTES, body.lengthBytes - this.#bodyPosition);
      body.fill(chunk.words, 0, this.#bodyPosition, length);
      this.#bodyPosition += length;
      if (this.#bodyPosition === body.lengthBytes) this.#body = undefined;
      this.#write(this.#socket, chunk.bytes.subarray(0, length), chunk);
    }
  }

  #takeChunk(): SendChunk | undefined {
    const chunk = this.#chunks.pop();
    if (chunk !== undefined || this.#chunksAllocated === SEND_CHUNKS) return chunk;
    this.#chunksAllocated++;
    return generationBuffer(SEND_CHUNK_BYTES);
  }

  #write(socket: Socket, bytes: Buffer, chunk: SendChunk | undefined): void {
    this.#unsentWrites++;
    socket.write(bytes, () => {
      if (chunk !== undefined) this.#chunks.push(chunk);
      if (socket === this.#socket) {
        this.#unsentWrites--;
        this.#progressAtMs = performance.now();
      }
      // Also for a chunk that a former connection gives back late: the next body may be waiting for it.
      if (chunk !== undefined) this.#sendChunks();
    });
  }

  #received(bytes: Buffer, length: number): void {
    this.#progressAtMs = performance.now();
    let head: ResponseHead | undefined;
    try {
      head = this.#reader.push(bytes, length);
    } catch (error) {
      this.destroy(error as OperationFailure);
      return;
    }
    if (head !== undefined) this.#complete(head);
  }

  #complete(head: ResponseHead): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    // A response before the whole request has left means that the server reads no further: the connection is spent.
    if (head.closes || this.#body !== undefined || this.#unsentWrites > 0) this.#drop();
    waiting?.resolve(head);
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#body = undefined;
    socket?.destroy();
  }

  #closed(socket: Socket, failure: OperationFailure): void {
    if (socket !== this.#socket) return;
    const waiting = this.#waiting;
    const head = this.#reader.endOfStream();
    this.#waiting = undefined;
    this.#socket = undefined;
    this.#opening = false;
    this.#body = undefined;
    if (head === undefined) waiting?.reject(failure);
    else waiting?.resolve(head);
  }
}
