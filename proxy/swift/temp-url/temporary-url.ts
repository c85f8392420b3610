/**
 * Temporary URLs: whoever has one may do one thing with one object, or with those below a prefix, for a time
 * (Object Storage API guide, "Temporary URL middleware").
 */
import { BlockList, isIP, isIPv6 } from 'node:net';
import { basename } from 'node:path/posix';
import { httpTime } from '#proxy/http/http-time.ts';
import type { SwiftContext } from '../context.ts';
import { badRequest, SwiftError } from '../errors.ts';
import { encodePath } from '../objects/stored-metadata.ts';
import type { Query } from '../query.ts';
import type { FlatHeaders } from '../reply.ts';
import type { SwiftRequest } from '../request.ts';
import { isSignedBy, parseSignature, type SignedPath } from './signature.ts';

export const temporaryMethods = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'] as const;
/** A method whose URL allows a HEAD as well. */
const METHODS_WITH_HEAD = ['HEAD', 'GET', 'POST', 'PUT'];
/** They would make the object show what the URL gives no access to. */
const FORBIDDEN_HEADERS = ['x-object-manifest', 'x-symlink-target', 'x-copy-from'];
const KEY_NAMES = ['temp-url-key', 'temp-url-key-2'];
const ISO_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;

/** What a temporary URL gives access to: one container, or everything in the account for a key of the account. */
export interface Grant {
  /** As in the path: `AUTH_name`. */
  readonly account: string;
  readonly container: string | undefined;
}

export function bearsTemporarySignature({ query, method }: SwiftRequest): boolean {
  return method !== 'OPTIONS' && (query.has('temp_url_sig') || query.has('temp_url_expires'));
}

/** Throws 401 for a URL that is not valid, or not any more, and 400 for headers that it does not allow. */
export async function openTemporaryUrl(request: SwiftRequest, context: SwiftContext): Promise<Grant> {
  const { query, method, resource } = request;
  const signature = parseSignature(query.get('temp_url_sig') ?? '');
  const expiresSeconds = expiryOf(query.get('temp_url_expires') ?? '');
  const addressRange = query.get('temp_url_ip_range') ?? '';
  const path = signedPathOf(request, query);
  const known = (temporaryMethods as readonly string[]).includes(method);
  if (signature === undefined || path === undefined || !known) throw invalid();
  if (expiresSeconds * 1000 < context.clock.nowMs() || !isWithin(request.remoteAddress, addressRange))
    throw invalid();
  const methods = method === 'HEAD' ? METHODS_WITH_HEAD : [method];
  const found = (await keysOf(request, context)).find(({ key }) =>
    methods.some((each) => {
      const signed: SignedPath = { method: each, expiresSeconds, path, addressRange };
      return isSignedBy(signature, signed, key);
    }),
  );
  if (found === undefined) throw invalid();
  if (method !== 'GET' && method !== 'HEAD') {
    for (const name of FORBIDDEN_HEADERS) {
      if (request.header(name) !== undefined)
        throw badRequest(`The header ${name} is not allowed in this tempurl`);
    }
  }
  request.reply.edit((status, headers) => editedHeaders(request, query, expiresSeconds, status, headers));
  return { account: resource.account, container: found.wholeAccount ? undefined : request.container };
}

function invalid(): SwiftError {
  return new SwiftError(401, '401 Unauthorized: Temp URL invalid\n');
}

function expiryOf(text: string): number {
  if (/^\d{1,12}$/.test(text)) return Number(text);
  const ms = ISO_TIME.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? 0 : ms / 1000;
}

/** Undefined when the path names no object, or one that is not below the signed prefix. */
function signedPathOf({ resource }: SwiftRequest, query: Query): string | undefined {
  const { version, account, container, object } = resource;
  if (version !== 'v1' || container === undefined || object === undefined) return undefined;
  const prefix = query.get('temp_url_prefix');
  if (prefix === undefined) return `/v1/${account}/${container}/${object}`;
  return object.startsWith(prefix) ? `prefix:/v1/${account}/${container}/${prefix}` : undefined;
}

function isWithin(address: string | undefined, range: string): boolean {
  if (range === '') return true;
  const [network = '', bits, ...more] = range.split('/');
  const family = isIP(network);
  if (address === undefined || family === 0 || more.length > 0) return false;
  const allowed = new BlockList();
  const type = family === 6 ? 'ipv6' : 'ipv4';
  const bitsMax = family === 6 ? 128 : 32;
  if (bits !== undefined && (!/^\d{1,3}$/.test(bits) || Number(bits) > bitsMax)) return false;
  allowed.addSubnet(network, bits === undefined ? bitsMax : Number(bits), type);
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '');
  return allowed.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4');
}

interface TemporaryKey {
  readonly key: Buffer;
  readonly wholeAccount: boolean;
}

async function keysOf(request: SwiftRequest, context: SwiftContext): Promise<TemporaryKey[]> {
  const { knownAccount, container } = request;
  if (knownAccount === undefined) return [];
  const [account, bucket] = await Promise.all([
    context.accounts.readRecent(knownAccount.id),
    context.directory.findOwn(knownAccount.id, container),
  ]);
  const keys = (metadata: Readonly<Record<string, string>> | undefined, wholeAccount: boolean) =>
    KEY_NAMES.flatMap((name) => {
      const key = metadata?.[name];
      return key === undefined ? [] : [{ key: Buffer.from(key, 'latin1'), wholeAccount }];
    });
  return [...keys(account?.metadata, true), ...keys(bucket?.container?.metadata, false)];
}

/** User metadata stays hidden unless its name says that it is public; a browser is told to save under the object's name. */
function editedHeaders(
  { method, object }: SwiftRequest,
  query: Query,
  expiresSeconds: number,
  status: number,
  headers: FlatHeaders,
): FlatHeaders {
  const reads = (method === 'GET' || method === 'HEAD') && status >= 200 && status < 300;
  const kept: FlatHeaders = [];
  let disposition: string | undefined;
  for (let at = 0; at < headers.length; at += 2) {
    const [name = '', value = ''] = headers.slice(at, at + 2);
    const lower = String(name).toLowerCase();
    if (lower.startsWith('x-object-meta-') && !lower.startsWith('x-object-meta-public-')) continue;
    if (reads && lower === 'content-disposition') disposition = String(value);
    else if (!reads || lower !== 'expires') kept.push(name, value);
  }
  if (!reads) return kept;
  const filename = query.get('filename') ?? '';
  if (query.has('inline')) disposition = filename === '' ? 'inline' : dispositionOf('inline', filename);
  else if (filename !== '') disposition = dispositionOf('attachment', filename);
  disposition ??= dispositionOf('attachment', basename(object));
  kept.push('Content-Disposition', disposition, 'Expires', httpTime(expiresSeconds * 1000));
  return kept;
}

/** RFC 6266 and RFC 8187. */
function dispositionOf(type: string, filename: string): string {
  const encoded = encodePath(filename);
  return `${type}; filename="${encoded.replaceAll('%20', ' ')}"; filename*=UTF-8''${encoded}`;
}
