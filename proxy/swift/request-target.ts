/** What a request's path names: `/v1/account[/container[/object]]`, or one of the pages beside the API. */
import { SwiftError } from './errors.ts';
import { decodePath, parseQuery, type Query } from './query.ts';

/** Clients that join addresses carelessly begin a path with two slashes; no bucket's does. */
const SWIFT_PATH = /^\/(?:v1|v1\.0|auth)(?:[/?]|$)|^\/(?:info|healthcheck)(?:\?|$)|^\/{2,}v1(?:\.0)?\//;
const SIGNED_QUERY = /[?&](?:X-Amz-(?:Algorithm|Signature|Credential)|AWSAccessKeyId)=/i;

/** Whether a request without AWS authentication is one of Swift's by its path. */
export function isSwiftPath(url: string): boolean {
  return SWIFT_PATH.test(url);
}

/** Whether a request says that AWS's rules are to be applied to it. */
export function bearsAwsAuthentication(url: string, authorization: string | undefined): boolean {
  return (authorization?.startsWith('AWS') ?? false) || SIGNED_QUERY.test(url);
}

export interface RequestTarget {
  /** The path, decoded. */
  readonly path: string;
  readonly query: Query;
}

/** The parts of a path into the API; an empty one is left out. */
export interface ResourcePath {
  readonly version: string;
  /** As in the path: `AUTH_name`. */
  readonly account: string;
  readonly container: string | undefined;
  readonly object: string | undefined;
}

export function parseTarget(url: string): RequestTarget {
  const question = url.indexOf('?');
  const path = decodePath(question < 0 ? url : url.slice(0, question));
  return { path, query: parseQuery(question < 0 ? '' : url.slice(question + 1)) };
}

/** An encoded slash separates like any other, as the path is taken apart once it is decoded. Throws 404 and 412. */
export function parseResource(path: string): ResourcePath {
  const [, version = '', account = '', container = '', ...rest] = path.split('/');
  const object = rest.join('/');
  if (version === '') throw new SwiftError(404);
  if (account === '' || (container === '' && object !== '')) throw new SwiftError(412, 'Bad URL');
  return {
    version,
    account,
    container: container === '' ? undefined : container,
    object: object === '' ? undefined : object,
  };
}
