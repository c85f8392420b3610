/**
 * Two doors on one port: a request that bears AWS authentication goes to S3's, whatever its path; without, the path decides.
 * So an anonymous S3 client cannot reach a bucket named like one of Swift's first path segments (`v1.0`, `auth`, `info`).
 */
import type { DispatchedRequest } from './http/dispatched-request.ts';
import type { S3Context } from './s3/context.ts';
import { S3Dispatcher } from './s3/dispatcher.ts';
import type { SwiftContext } from './swift/context.ts';
import { SwiftDispatcher } from './swift/dispatcher.ts';
import { bearsAwsAuthentication, isSwiftPath } from './swift/request-target.ts';

export interface DoorContexts {
  readonly s3: S3Context;
  readonly swift: SwiftContext;
}

export class Doors {
  readonly #s3: S3Dispatcher;
  readonly #swift: SwiftDispatcher;
  readonly #virtualHosts: readonly string[];

  constructor({ s3, swift }: DoorContexts) {
    this.#s3 = new S3Dispatcher(s3);
    this.#swift = new SwiftDispatcher(swift);
    this.#virtualHosts = s3.virtualHosts;
  }

  /** Answers the request, whatever happens. Never throws. */
  dispatch(dispatched: DispatchedRequest): Promise<void> {
    return (this.#isSwift(dispatched) ? this.#swift : this.#s3).dispatch(dispatched);
  }

  #isSwift({ incoming, url }: DispatchedRequest): boolean {
    if (!isSwiftPath(url) || bearsAwsAuthentication(url, incoming.headers.authorization)) return false;
    const host = incoming.headers.host?.replace(/:\d+$/, '').toLowerCase() ?? '';
    return !this.#virtualHosts.some((virtualHost) => host.endsWith(`.${virtualHost}`));
  }
}
