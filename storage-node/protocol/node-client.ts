/**
 * The client of one storage node: connects when first used, proves itself, multiplexes requests, and fails fast while the
 * node is away. It never retries: whoever asks knows what a second try would mean.
 */
import { HoldfastError } from '#common/errors.ts';
import type { Clock } from '#common/io/clock.ts';
import type { Address, Connection, Network } from '#common/io/network.ts';
import type { Randomness } from '#common/io/randomness.ts';
import type { DeviceId } from '#common/ids.ts';
import { TransientMap } from '#common/transients.ts';
import { DataBuffers } from './data-buffers.ts';
import { FramedConnection } from './framed-connection.ts';
import { type FrameType, frameTypes } from './frame.ts';
import { RemoteBlobDownload } from './blob-download.ts';
import { RemoteBlobUpload } from './blob-upload.ts';
import { ClientHandshake, HANDSHAKE_MS_MAX, NONCE_BYTES, type TrafficClass } from './handshake.ts';
import { encodeAccept } from './messages/accept.ts';
import type { BlobCreate, BlobRead } from './messages/blob.ts';
import { type List, encodeList } from './messages/list.ts';
import type { EncodedMessage } from './messages/message.ts';
import { encodePrepare } from './messages/prepare.ts';
import { encodeRead } from './messages/read.ts';
import type {
  BlobDownload,
  BlobDownloadEvents,
  BlobUpload,
  BlobUploadEvents,
  NodeAccess,
  RegisterRequest,
} from './node-access.ts';
import { type NodeReply, decodeReply } from './node-reply.ts';

const CONNECT_MS_MAX = 1000;
/** After a failed connection, requests fail at once for this long. */
const RECONNECT_PAUSE_MS = 50;
/** A request that has waited so long is given up: its node hangs, or is lost behind a broken network. */
const ANSWER_MS_MAX = 10_000;
/**
 * A connection that takes nothing of what is queued for so long is closed: what waits in it holds callers' memory, and TCP itself
 * gives up after a quarter of an hour (tcp(7), tcp_retries2).
 */
const UNTAKEN_MS_MAX = 5000;
const SWEEP_MS = 1000;
const STREAMS_MAX: Record<TrafficClass, number> = { small: 4096, bulk: 256 };

export interface NodeClientContext {
  readonly network: Network;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly clusterKey: Buffer;
  readonly buffers: DataBuffers;
}

/** Receives all that comes back on a stream; `failed` is the last call it gets. */
export interface StreamHandler {
  /** @param payload valid during the call only, unless the frame is BLOB_DATA: then it belongs to the callee. */
  frame(type: FrameType, payload: Buffer): void;
  failed(error: HoldfastError): void;
}

interface OpenStream {
  readonly handler: StreamHandler;
  /** When a plain request is given up; Infinity for streams, whose owners watch their progress themselves. */
  readonly deadlineMs: number;
}

export class NodeClient implements NodeAccess {
  readonly address: Address;
  readonly #context: NodeClientContext;
  readonly #traffic: TrafficClass;
  #connection: FramedConnection | undefined;
  #connecting: Promise<FramedConnection> | undefined;
  #pausedUntilMs = 0;
  #nextStream = 1;
  readonly #streams = new TransientMap<number, OpenStream>();
  #sweeping = false;
  /** Since when the connection has taken so much and no more. */
  #taken = { bytes: 0, sinceMs: 0 };
  #closed = false;

  constructor(context: NodeClientContext, address: Address, traffic: TrafficClass) {
    this.#context = context;
    this.address = address;
    this.#traffic = traffic;
  }

  get buffers(): DataBuffers {
    return this.#context.buffers;
  }

  ask(device: DeviceId, request: RegisterRequest, answered: (reply: NodeReply) => void): void {
    this.request(device, encodeRegisterRequest(request), answered);
  }

  list(device: DeviceId, list: List, answered: (reply: NodeReply) => void): void {
    this.request(device, encodeList(list), answered);
  }

  upload(device: DeviceId, create: BlobCreate, events: BlobUploadEvents): BlobUpload {
    return new RemoteBlobUpload(this, device, create, events);
  }

  download(device: DeviceId, read: BlobRead, events: BlobDownloadEvents): BlobDownload {
    return new RemoteBlobDownload(this, device, read, events);
  }

  /** Sends a request with one answer. `answered` is called exactly once, never before `request` has returned. */
  request(device: DeviceId, message: EncodedMessage, answered: (reply: NodeReply) => void): void {
    const handler: StreamHandler = {
      frame: (type, payload) => answered(replyOr(type, payload, answered)),
      failed: (error) => answered({ type: 'failed', error }),
    };
    const deadlineMs = this.#context.clock.monotonicMs() + ANSWER_MS_MAX;
    this.#open(handler, deadlineMs, (connection, stream) => {
      connection.send(message, device, stream);
    });
  }

  /**
   * Opens a stream of many frames. `opened` gets what to send on; `closeStream` of it ends the handler's calls.
   */
  stream(
    device: DeviceId,
    first: EncodedMessage,
    handler: StreamHandler,
    opened: (stream: ClientStream) => void,
  ): void {
    this.#open(handler, Number.POSITIVE_INFINITY, (connection, stream) => {
      opened(new ClientStream(connection, device, stream, () => this.#streams.delete(stream)));
      connection.send(first, device, stream);
    });
  }

  /** Closes; what is under way fails with `aborted`. */
  close(): void {
    this.#closed = true;
    this.#connection?.close();
    this.#failAll(new HoldfastError('aborted', 'the client is closing'));
  }

  #open(
    handler: StreamHandler,
    deadlineMs: number,
    begin: (connection: FramedConnection, stream: number) => void,
  ): void {
    const start = (connection: FramedConnection): void => {
      if (this.#streams.size >= STREAMS_MAX[this.#traffic] || connection.isCongested) {
        queueMicrotask(() =>
          handler.failed(new HoldfastError('overloaded', 'too much is under way to that node')),
        );
        return;
      }
      const stream = this.#nextStream;
      this.#nextStream = stream === 0xffff_ffff ? 1 : stream + 1;
      this.#streams.set(stream, { handler, deadlineMs });
      this.#sweepLater();
      begin(connection, stream);
    };
    if (this.#connection?.isOpen) {
      start(this.#connection);
      return;
    }
    this.#connected().then(start, (error: HoldfastError) => handler.failed(error));
  }

  #connected(): Promise<FramedConnection> {
    if (this.#closed) return Promise.reject(new HoldfastError('aborted', 'the client is closed'));
    if (this.#connecting !== undefined) return this.#connecting;
    if (this.#context.clock.monotonicMs() < this.#pausedUntilMs) {
      return Promise.reject(new HoldfastError('peer-unavailable', 'the last connection failed a moment ago'));
    }
    this.#connecting = this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #connect(): Promise<FramedConnection> {
    const { network, clock } = this.#context;
    try {
      const raw = await network.connect(this.address, CONNECT_MS_MAX);
      this.#connection = await new Promise<FramedConnection>((resolve, reject) =>
        this.#shake(raw, resolve, reject),
      );
      if (this.#closed) this.#connection.close();
      return this.#connection;
    } catch (cause) {
      this.#pausedUntilMs = clock.monotonicMs() + RECONNECT_PAUSE_MS;
      if (cause instanceof HoldfastError && cause.code === 'peer-unauthenticated') throw cause;
      throw new HoldfastError('peer-unavailable', undefined, { cause });
    }
  }

  #shake(
    raw: Connection,
    resolve: (connection: FramedConnection) => void,
    reject: (error: unknown) => void,
  ): void {
    const { clock, randomness, clusterKey, buffers } = this.#context;
    const handshake = new ClientHandshake(clusterKey, this.#traffic, randomness.bytes(NONCE_BYTES));
    let done = false;
    const deadline = clock.after(HANDSHAKE_MS_MAX, () =>
      connection.close(new HoldfastError('peer-unavailable')),
    );
    const connection = new FramedConnection(raw, buffers, {
      frame: (type, stream, _device, payload) => {
        if (done) {
          this.#dispatch(type, stream, payload);
          return;
        }
        const next = handshake.answer(type, payload);
        if (next !== 'done') {
          connection.send(next, 0, 0);
          return;
        }
        done = true;
        deadline.cancel();
        resolve(connection);
      },
      closed: (error) => {
        deadline.cancel();
        if (done)
          this.#failAll(new HoldfastError('peer-unavailable', 'the connection closed', { cause: error }));
        else reject(error ?? new HoldfastError('peer-unavailable', 'the node closed during the handshake'));
      },
    });
    connection.send(handshake.hello, 0, 0);
  }

  #dispatch(type: FrameType, stream: number, payload: Buffer): void {
    const open = this.#streams.get(stream);
    if (open === undefined) {
      // The answer to what has been given up.
      if (type === frameTypes.blobData) this.buffers.give(payload);
      return;
    }
    if (open.deadlineMs !== Number.POSITIVE_INFINITY) this.#streams.delete(stream);
    open.handler.frame(type, payload);
  }

  #failAll(error: HoldfastError): void {
    const open = [...this.#streams.values()];
    this.#streams.clear();
    for (const { handler } of open) handler.failed(error);
  }

  /** One timer for all requests: a timer each would cost more than the request. */
  #sweepLater(): void {
    if (this.#sweeping) return;
    this.#sweeping = true;
    this.#context.clock.after(SWEEP_MS, () => {
      this.#sweeping = false;
      this.#sweep(this.#context.clock.monotonicMs());
      if (this.#streams.size > 0 || this.#isQueued) this.#sweepLater();
    });
  }

  get #isQueued(): boolean {
    return this.#connection?.isOpen === true && this.#connection.queuedBytes > 0;
  }

  #sweep(nowMs: number): void {
    for (const [stream, { handler, deadlineMs }] of this.#streams) {
      if (deadlineMs > nowMs) continue;
      this.#streams.delete(stream);
      handler.failed(new HoldfastError('peer-unavailable', `no answer within ${ANSWER_MS_MAX} ms`));
    }
    const bytes = this.#connection?.takenBytes ?? 0;
    if (!this.#isQueued || bytes !== this.#taken.bytes) this.#taken = { bytes, sinceMs: nowMs };
    else if (nowMs - this.#taken.sinceMs >= UNTAKEN_MS_MAX)
      this.#connection?.close(new HoldfastError('peer-unavailable', 'the node takes nothing any more'));
  }
}

/** Throws what is wrong with an answer, once whoever asked has been told so. */
function replyOr(type: FrameType, payload: Buffer, answered: (reply: NodeReply) => void): NodeReply {
  try {
    return decodeReply(type, payload);
  } catch (cause) {
    const error = new HoldfastError('protocol-violation', 'the answer cannot be read', { cause });
    answered({ type: 'failed', error });
    throw error;
  }
}

function encodeRegisterRequest(request: RegisterRequest): EncodedMessage {
  if (request.type === 'prepare') return encodePrepare(request);
  return request.type === 'accept' ? encodeAccept(request) : encodeRead(request);
}

/** The sending half of a stream. */
export class ClientStream {
  readonly #connection: FramedConnection;
  readonly #device: DeviceId;
  readonly #stream: number;
  readonly #forget: () => void;

  constructor(connection: FramedConnection, device: DeviceId, stream: number, forget: () => void) {
    this.#connection = connection;
    this.#device = device;
    this.#stream = stream;
    this.#forget = forget;
  }

  send(message: EncodedMessage): void {
    this.#connection.send(message, this.#device, this.#stream);
  }

  sendData(chunk: Buffer, taken: () => void): void {
    this.#connection.sendData(chunk, this.#device, this.#stream, taken);
  }

  /** No further call reaches the handler. */
  close(): void {
    this.#forget();
  }
}
