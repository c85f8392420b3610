/** Which bucket and key a request is about: path style and virtual-hosted style. */
import { S3Error } from './errors.ts';
import { decodePercent, parseQuery, type Query } from './query.ts';

export const KEY_BYTES_MAX = 1024;

export interface RequestTarget {
  /** Path without the query, as received. */
  readonly rawPath: string;
  readonly query: Query;
  readonly bucket: string | undefined;
  readonly key: string | undefined;
}

/**
 * `.`, `..` and empty segments are names like any other: nothing here is a file system's path.
 * @param virtualHosts lower-case host names under which `bucket.host` addresses a bucket.
 */
export function parseTarget(
  url: string,
  host: string | undefined,
  virtualHosts: readonly string[],
): RequestTarget {
  if (!url.startsWith('/')) throw new S3Error('InvalidURI');
  const question = url.indexOf('?');
  const rawPath = question < 0 ? url : url.slice(0, question);
  const query = parseQuery(question < 0 ? '' : url.slice(question + 1));
  const hosted = hostedBucket(host, virtualHosts);
  if (hosted !== undefined) return { rawPath, query, bucket: hosted, key: decodeKey(rawPath.slice(1)) };
  const slash = rawPath.indexOf('/', 1);
  const bucket = decodePercent(slash < 0 ? rawPath.slice(1) : rawPath.slice(1, slash));
  const key = slash < 0 ? undefined : decodeKey(rawPath.slice(slash + 1));
  if (bucket === '' && slash >= 0)
    throw new S3Error('InvalidBucketName', undefined, { fields: { BucketName: '' } });
  return { rawPath, query, bucket: bucket === '' ? undefined : bucket, key };
}

function decodeKey(raw: string): string | undefined {
  if (raw === '') return undefined;
  const key = decodePercent(raw);
  checkKey(key);
  return key;
}

/** Any UTF-8 of up to 1,024 bytes is a key, but for NUL, which no form of XML can carry back in a listing. */
export function checkKey(key: string): void {
  if (key.length * 3 > KEY_BYTES_MAX) {
    const bytes = Buffer.byteLength(key);
    if (bytes > KEY_BYTES_MAX) {
      const fields = { Size: String(bytes), MaxSizeAllowed: String(KEY_BYTES_MAX) };
      throw new S3Error('KeyTooLongError', undefined, { fields });
    }
  }
  if (key.includes('\u0000'))
    throw new S3Error('InvalidArgument', 'An object key must not contain a NUL character');
}

function hostedBucket(host: string | undefined, virtualHosts: readonly string[]): string | undefined {
  if (host === undefined || virtualHosts.length === 0) return undefined;
  const name = host.replace(/:\d+$/, '').toLowerCase();
  for (const virtualHost of virtualHosts) {
    if (name.length > virtualHost.length + 1 && name.endsWith(`.${virtualHost}`)) {
      return name.slice(0, -virtualHost.length - 1);
    }
  }
  return undefined;
}
