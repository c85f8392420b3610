/** What proxies are told of identity, and how its call is named on the wire: docs/formats/identity-feed.md. */
import { fileURLToPath } from 'node:url';
import { loadSync, type MethodDefinition } from '@grpc/proto-loader';
import { HoldfastError } from '#common/errors.ts';
import type { Revocation } from './revocations.ts';
import type { Named, TokenUser } from './token-statement.ts';

export interface KeyItem {
  readonly kind: 'key';
  readonly id: number;
  /** 32 bytes, base64. */
  readonly publicKey: string;
}

export interface RevocationItem {
  readonly kind: 'revocation';
  readonly revocation: Revocation;
}

export interface ProjectItem {
  readonly kind: 'project';
  readonly id: string;
  readonly name: string;
  readonly domainId: string;
  readonly isEnabled: boolean;
}

/** An EC2 credential that is of use now. */
export interface Ec2Item {
  readonly kind: 'ec2';
  readonly access: string;
  readonly credentialId: string;
  /** The secret, sealed for `credential ` and the credential's id. */
  readonly sealed: string;
  readonly user: TokenUser;
  readonly project: Named & { readonly domain: Named };
  /** Names. */
  readonly roles: readonly string[];
  /** Milliseconds since 1970; undefined when it does not end by itself. */
  readonly endsMs?: number;
}

export type FeedItem = KeyItem | RevocationItem | ProjectItem | Ec2Item;

/** What a frame tells. */
export interface FeedBody {
  readonly begins?: boolean;
  /** All that there is has been told. */
  readonly isWhole?: boolean;
  readonly put: readonly FeedItem[];
  /** As `feedItemKey` names them. */
  readonly removed: readonly string[];
}

export function feedItemKey(item: FeedItem): string {
  if (item.kind === 'revocation') return `revocation/${item.revocation.id}`;
  return `${item.kind}/${item.kind === 'ec2' ? item.access : item.id}`;
}

/** Throws `protocol-violation`. */
export function readFeedBody(bytes: Buffer): FeedBody {
  try {
    const { begins, isWhole, put, removed } = JSON.parse(bytes.toString()) as FeedBody;
    if (!Array.isArray(put) || !Array.isArray(removed)) throw new TypeError('a body without its lists');
    return { begins: begins === true, isWhole: isWhole === true, put, removed };
  } catch (cause) {
    throw new HoldfastError('protocol-violation', 'a frame of the identity feed is malformed', { cause });
  }
}

export interface FollowRequest {
  readonly nonce: Buffer;
  /** Milliseconds since 1970, in decimal. */
  readonly time_ms: string;
  readonly proof: Buffer;
}

export interface FeedFrame {
  readonly body: Buffer;
  readonly proof: Buffer;
}

/** Frames of this many items at most. */
export const FRAME_ITEMS_MAX = 500;
/** What a frame may come to: items are bounded by the records that they are made of. */
export const FRAME_BYTES_MAX = 64 * 1024 * 1024;
/** A frame is sent at least this often. */
export const ALIVE_EVERY_MS = 1000;
/** After so long without a frame a stream is given up. */
export const SILENCE_MS_MAX = 5000;

export function loadFollowMethod(): MethodDefinition<FollowRequest, FeedFrame, FollowRequest, FeedFrame> {
  const file = fileURLToPath(new URL('identity-feed.proto', import.meta.url));
  const definition = loadSync(file, { keepCase: true, longs: String, defaults: true });
  const service = definition['holdfast.identity.IdentityFeed'] as Record<string, unknown> | undefined;
  const method = service?.['Follow'];
  if (method === undefined) throw new Error('identity-feed.proto has no Follow');
  // What the names in the proto and the types above promise each other, nobody checks but the tests.
  return method as MethodDefinition<FollowRequest, FeedFrame, FollowRequest, FeedFrame>;
}
