/**
 * Calls to an etcd of several members. One member is spoken to until it fails; then the next one is. What can be done
 * twice is tried again within the request's time; what cannot is tried again only while it is sure that nothing happened.
 */
import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import {
  Client,
  type ClientDuplexStream,
  credentials,
  type ChannelCredentials,
  Metadata,
} from '@grpc/grpc-js';
import { hasCode, HoldfastError } from '#common/errors.ts';
import type { Clock } from '#common/io/clock.ts';
import { failureOf } from './etcd-errors.ts';
import type { EtcdMethods, Method } from './etcd-messages.ts';
import { ETCD_TIMEOUT_MS, type EtcdOptions, readEndpoints } from './etcd-options.ts';

const MESSAGE_BYTES_MAX = 512 * 1024 * 1024;
/** etcd closes connections that ping more often than every 5 s. */
const PING_EVERY_MS = 10_000;
const PING_ANSWER_MS_MAX = 5000;
const RECONNECT_MS_MAX = 1000;
/** How long one member may take before another is asked; what cannot be done twice waits for the whole time. */
const ATTEMPT_MS_MAX = 3000;
const PAUSE_MS = 50;
/** TLS names no server by a numeric address (RFC 6066, section 3), and Node refuses to: such a member is given this name. */
const NAME_OF_ADDRESS = 'etcd';
/** Attempts end with the request's time; this bounds them where a clock stands still. */
const ATTEMPTS_MAX = 200;

/** Whether a request that may have been done may be sent again. */
export type Repetition = 'repeatable' | 'once';

export class EtcdConnection {
  readonly #clients: readonly Client[];
  readonly #methods: EtcdMethods;
  readonly #options: EtcdOptions;
  readonly #clock: Clock;
  #at = 0;
  readonly #streamsAt = new WeakMap<object, number>();
  #token: Promise<string> | undefined;
  #closed = false;

  constructor(methods: EtcdMethods, options: EtcdOptions, clock: Clock) {
    this.#methods = methods;
    this.#options = options;
    this.#clock = clock;
    this.#clients = readEndpoints(options.endpoints).map(
      ({ address, isSecure }) =>
        new Client(address, isSecure ? secured(options, address) : credentials.createInsecure(), {
          ...(isSecure && isIP(hostOf(address)) > 0
            ? { 'grpc.ssl_target_name_override': NAME_OF_ADDRESS }
            : {}),
          'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
          'grpc.keepalive_time_ms': PING_EVERY_MS,
          'grpc.keepalive_timeout_ms': PING_ANSWER_MS_MAX,
          'grpc.initial_reconnect_backoff_ms': PAUSE_MS,
          'grpc.max_reconnect_backoff_ms': RECONNECT_MS_MAX,
          // Two stores of one process, such as a test's, do not share a connection that one of them cuts.
          'grpc.use_local_subchannel_pool': 1,
        }),
    );
  }

  /** @throws `store-unavailable` when nothing has happened, `outcome-unknown` when it may have, or what etcd refused. */
  async call<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    repetition: Repetition,
  ): Promise<Response> {
    const timeoutMs = this.#options.timeoutMs ?? ETCD_TIMEOUT_MS;
    const endMs = this.#clock.monotonicMs() + timeoutMs;
    let last = new HoldfastError('store-unavailable');
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const leftMs = endMs - this.#clock.monotonicMs();
      if (this.#closed) throw new HoldfastError('store-unavailable', 'the store is closed');
      if (leftMs <= 0) break;
      const at = this.#at;
      const attemptMs = Math.min(leftMs, Math.max(ATTEMPT_MS_MAX, timeoutMs / this.#clients.length));
      try {
        await this.#ready(at, Math.min(attemptMs, ATTEMPT_MS_MAX));
        const metadata = await this.#metadata(at, attemptMs);
        return await this.#send(at, method, request, metadata, repetition === 'once' ? leftMs : attemptMs);
      } catch (error) {
        last = this.#judge(error, at, repetition);
      }
      if (attempt % this.#clients.length === this.#clients.length - 1) await this.#pause();
    }
    throw last;
  }

  /** One stream to the member that is spoken to now; it is the caller's to open another when it breaks. */
  async stream<Request, Response>(
    method: Method<Request, Response>,
  ): Promise<ClientDuplexStream<Request, Response>> {
    const at = this.#at;
    try {
      await this.#ready(at, ATTEMPT_MS_MAX);
      const metadata = await this.#metadata(at, ATTEMPT_MS_MAX);
      const stream = this.#client(at).makeBidiStreamRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        metadata,
      );
      this.#streamsAt.set(stream, at);
      return stream;
    } catch (error) {
      const judged = this.#judge(error, at, 'repeatable');
      throw new HoldfastError('store-unavailable', judged.message, { cause: judged });
    }
  }

  /** A stream broke: throws what another one would break with as well, and gives what one tries again after. */
  judgeStream(error: unknown, stream: object | undefined): HoldfastError {
    if (hasCode(error, 'store-unavailable')) return error;
    // Many break at once: only the member that they were at is left, whoever is spoken to by now.
    const at = stream === undefined ? undefined : this.#streamsAt.get(stream);
    return this.#judge(error, at ?? this.#at, 'repeatable');
  }

  /** The next request asks for another token: etcd's end, and it tells so to a watch only by refusing it. */
  forgetToken(): void {
    this.#token = undefined;
  }

  close(): void {
    this.#closed = true;
    for (const client of this.#clients) client.close();
  }

  async #pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#clock.after(PAUSE_MS, resolve);
    });
  }

  /** Throws what ends the request; gives what it is tried again after. */
  #judge(error: unknown, at: number, repetition: Repetition): HoldfastError {
    if (error instanceof NotConnected) {
      this.#leave(at);
      return new HoldfastError('store-unavailable', `etcd cannot be reached: ${error.message}`, {
        cause: error,
      });
    }
    if (error instanceof HoldfastError) throw error;
    const failure = failureOf(error);
    if (failure.kind === 'refused') throw failure.error;
    if (failure.kind === 'token-refused') {
      if (this.#options.user === undefined) throw failure.error;
      this.#token = undefined;
      return failure.error;
    }
    this.#leave(at);
    if (failure.kind === 'unknown' && repetition === 'once')
      throw new HoldfastError('outcome-unknown', failure.error.message, { cause: error });
    return failure.error;
  }

  #client(at: number): Client {
    return this.#clients[at] as Client;
  }

  /** The member failed: the next one is spoken to from now on, unless another request has moved on already. */
  #leave(at: number): void {
    if (this.#at === at) this.#at = (at + 1) % this.#clients.length;
  }

  /** Nothing is sent before there is a connection, so that a refused one leaves no doubt. */
  async #ready(at: number, withinMs: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#client(at).waitForReady(Date.now() + withinMs, (error) => {
        if (error) reject(new NotConnected(`no connection to ${this.#options.endpoints[at]}`));
        else resolve();
      });
    });
  }

  #send<Request, Response>(
    at: number,
    method: Method<Request, Response>,
    request: Request,
    metadata: Metadata,
    withinMs: number,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.#client(at).makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        metadata,
        { deadline: Date.now() + withinMs },
        (error, response) => {
          if (error) reject(error);
          else if (response === undefined) reject(new Error('an answer without a message'));
          else resolve(response);
        },
      );
    });
  }

  async #metadata(at: number, withinMs: number): Promise<Metadata> {
    const metadata = new Metadata();
    // A member that has lost its leader says so at once, instead of waiting for one.
    metadata.set('hasleader', 'true');
    const { user } = this.#options;
    if (user === undefined) return metadata;
    const { authenticate } = this.#methods;
    this.#token ??= this.#send(at, authenticate, user, metadata.clone(), withinMs).then(({ token }) => token);
    try {
      metadata.set('token', await this.#token);
    } catch (error) {
      this.#token = undefined;
      const failure = failureOf(error);
      // Nothing of the request itself was sent.
      if (failure.kind === 'unknown') throw new NotConnected(failure.error.message);
      throw failure.error.code === 'invalid-argument'
        ? new HoldfastError('request-refused', 'etcd refuses the user or the password', { cause: error })
        : error;
    }
    return metadata;
  }
}

/** There was no connection, so nothing was sent. */
class NotConnected extends Error {}

/** The certificate is held against the endpoint's own host, whatever name TLS is opened with. */
function secured({ tls = {} }: EtcdOptions, address: string): ChannelCredentials {
  const { authorities, privateKey, certificate } = tls;
  return credentials.createSsl(authorities ?? null, privateKey ?? null, certificate ?? null, {
    checkServerIdentity: (_name, shown) => checkServerIdentity(hostOf(address), shown),
  });
}

/** Without the port, and without the brackets of an IPv6 address. */
function hostOf(address: string): string {
  return address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}
