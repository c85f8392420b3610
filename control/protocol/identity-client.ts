/**
 * Identity as a proxy knows it: tokens verified here, access keys resolved once and remembered. When control is away, what is
 * known goes on being good for a stated time.
 */
import { Client, credentials, Metadata, status as codes } from '@grpc/grpc-js';
import { HoldfastError } from '#common/errors.ts';
import type { Clock, Timer } from '#common/io/clock.ts';
import type { Address } from '#common/io/network.ts';
import {
  type AccessKeyOwner,
  type AccessKeyReply,
  type AccessKeyRequest,
  FEED_MESSAGE_BYTES_MAX,
  FEED_VERSION,
  type FeedEvent,
  type FeedProject,
  feedToken,
  identityFeedService as service,
  type ProjectReply,
  type ProjectRequest,
} from './identity-feed.ts';
import { RememberedKeys } from './remembered-keys.ts';
import { SecretSeal } from './sealed-secret.ts';
import type { TokenStatement } from './token-statement.ts';
import { TokenVerifier } from './token-verifier.ts';

export interface IdentityClientOptions {
  readonly address: Address;
  readonly clusterKey: Buffer;
  readonly clock: Clock;
  /** How long what is known is good after control was last heard of. */
  readonly staleMs: number;
  readonly report: (problem: string) => void;
}

/** Whom a key stands for, and its secret. */
export interface AccessKey extends AccessKeyOwner {
  readonly secret: string;
}

const ANSWER_MS_MAX = 2000;
/** Silence after which a connection is made anew. */
const SILENCE_MS_MAX = 5000;
const RETRY_MS = [50, 100, 250, 500, 1000, 2000] as const;
const REVOCATION_MARGIN_MS = 60_000;

export class IdentityClient {
  readonly #options: IdentityClientOptions;
  readonly #client: Client;
  readonly #metadata: Metadata;
  readonly #seal: SecretSeal;
  readonly #verifier: TokenVerifier;
  readonly #keys: RememberedKeys;
  readonly #known = new Set<number>();
  #stream: { cancel(): void } | undefined;
  #timer: Timer | undefined;
  #silence: Timer | undefined;
  #failures = 0;
  #heardMs = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor(options: IdentityClientOptions) {
    const { address, clusterKey, clock } = options;
    this.#options = options;
    const host = address.host.includes(':') ? `[${address.host}]` : address.host;
    this.#client = new Client(`${host}:${address.port}`, credentials.createInsecure(), {
      'grpc.max_receive_message_length': FEED_MESSAGE_BYTES_MAX,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 2000,
    });
    this.#metadata = new Metadata();
    this.#metadata.set('authorization', `Bearer ${feedToken(clusterKey)}`);
    this.#seal = new SecretSeal(clusterKey);
    this.#verifier = new TokenVerifier(clock);
    this.#keys = new RememberedKeys({
      nowMs: () => clock.monotonicMs(),
      staleMs: options.staleMs,
      heardMs: () => this.#heardMs,
      ask: (access) => this.#askKey(access),
    });
    this.#watch();
  }

  /** Whether control has been heard of within the stated time. */
  get isCurrent(): boolean {
    return this.#options.clock.monotonicMs() - this.#heardMs <= this.#options.staleMs;
  }

  /**
   * Throws `unauthenticated` for a token that is not good, and `peer-unavailable` when control was away for so long that nobody can
   * tell.
   */
  verifyToken(token: string): TokenStatement {
    if (!this.isCurrent) throw new HoldfastError('peer-unavailable', 'identity has been away for too long');
    return this.#verifier.verify(token);
  }

  /** Undefined: there is no such key. Throws `peer-unavailable` when control is away and the key is not known. */
  accessKey(access: string): Promise<AccessKey | undefined> {
    return this.#keys.get(access);
  }

  /** By id, or by name and domain id; undefined when there is none. Asks control each time. */
  async project(request: ProjectRequest): Promise<FeedProject | undefined> {
    return (await this.#ask<ProjectRequest, ProjectReply>(service.project, request)).project;
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#silence?.cancel();
    this.#stream?.cancel();
    this.#client.close();
  }

  #watch(): void {
    const { path, requestSerialize, responseDeserialize } = service.watch;
    const stream = this.#client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      { version: FEED_VERSION },
      this.#metadata,
    );
    this.#stream = stream;
    this.#expectWord();
    stream.on('data', (event: FeedEvent) => this.#take(event));
    stream.on('error', (error: Error) => this.#broken(stream, error.message));
    stream.on('end', () => this.#broken(stream, 'control ended the feed'));
  }

  #broken(stream: { cancel(): void }, why: string): void {
    if (this.#isClosed || stream !== this.#stream) return;
    this.#stream = undefined;
    this.#silence?.cancel();
    stream.cancel();
    if (this.#failures === 0) this.#options.report(why);
    const delayMs = RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)] ?? 0;
    this.#failures += 1;
    this.#timer = this.#options.clock.after(delayMs, () => this.#watch());
  }

  #expectWord(): void {
    this.#silence?.cancel();
    this.#silence = this.#options.clock.after(SILENCE_MS_MAX, () => {
      if (this.#stream !== undefined) this.#broken(this.#stream, 'control says nothing');
    });
  }

  #take(event: FeedEvent): void {
    const heardBeforeMs = this.#heardMs;
    this.#heardMs = this.#options.clock.monotonicMs();
    this.#failures = 0;
    this.#expectWord();
    if (event.kind === 'reset') this.#reset(event, heardBeforeMs);
    else if (event.kind === 'key') this.#addKey(event.key);
    else if (event.kind === 'key-gone') {
      this.#verifier.removeKey(event.id);
      this.#known.delete(event.id);
    } else if (event.kind === 'revocation') this.#verifier.revoke(event.revocation);
    else if (event.kind === 'changed') this.#keys.forget(event.credentialIds);
    else this.#verifier.revocations.dropEnded(this.#options.clock.nowMs() - REVOCATION_MARGIN_MS);
  }

  #reset({ keys, revocations }: Extract<FeedEvent, { kind: 'reset' }>, heardBeforeMs: number): void {
    for (const id of this.#known) if (!keys.some((key) => key.id === id)) this.#verifier.removeKey(id);
    this.#known.clear();
    for (const key of keys) this.#addKey(key);
    this.#verifier.revocations.clear();
    for (const revocation of revocations) this.#verifier.revoke(revocation);
    // What changed while nothing was heard is not known: every key is asked for again when it is used.
    this.#keys.doubtAll(heardBeforeMs);
  }

  #addKey({ id, publicKey }: { readonly id: number; readonly publicKey: string }): void {
    this.#verifier.addKey({ id, publicKey: Buffer.from(publicKey, 'base64') });
    this.#known.add(id);
  }

  async #askKey(access: string): Promise<AccessKey | undefined> {
    const { owner } = await this.#ask<AccessKeyRequest, AccessKeyReply>(service.accessKey, { access });
    if (owner === undefined) return undefined;
    return { ...owner, secret: this.#seal.open(owner.sealed, `credential ${owner.credentialId}`).toString() };
  }

  #ask<Request, Reply>(
    method: {
      readonly path: string;
      readonly requestSerialize: (request: Request) => Buffer;
      readonly responseDeserialize: (bytes: Buffer) => Reply;
    },
    request: Request,
  ): Promise<Reply> {
    const { path, requestSerialize, responseDeserialize } = method;
    const deadline = Date.now() + ANSWER_MS_MAX;
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        this.#metadata,
        { deadline },
        (error, reply) => {
          if (error === null && reply !== undefined) return resolve(reply);
          const isOurs = error?.code === codes.UNAUTHENTICATED;
          const code = isOurs ? 'peer-unauthenticated' : 'peer-unavailable';
          reject(new HoldfastError(code, `identity: ${error?.details ?? 'no answer'}`, { cause: error }));
        },
      );
    });
  }
}
