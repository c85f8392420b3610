/**
 * Signatures that a service could not check itself and hands to identity: of EC2's query API, versions 2 and 4 (`/v3/ec2tokens`), and over
 * a string that the service put together itself (`/v3/s3tokens`). Versions 0 and 1 sign too little and are refused.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

export interface Ec2Request {
  readonly access: string;
  readonly signature: string;
  readonly host?: string;
  readonly verb?: string;
  readonly path?: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body_hash?: string;
}

export interface S3Request {
  readonly access: string;
  readonly signature: string;
  /** The string that was signed, base64. */
  readonly token: string;
}

/** How old a signature may be that says when it was made. */
const AGE_MS_MAX = 15 * 60_000;

export function isEc2Signature(request: Ec2Request, secret: string, nowMs: number): boolean {
  const { params = {}, headers = {}, host = '' } = request;
  const time = params['Timestamp'] ?? headerOf(headers, 'x-amz-date') ?? params['X-Amz-Date'];
  if (time === undefined || !isRecent(time, nowMs)) return false;
  // Some libraries leave the port out of what they sign.
  return [host, host.replace(/:\d+$/, '')].some((each) => {
    const expected =
      params['SignatureVersion'] === '2' ? version2(request, each, secret) : version4(request, each, secret);
    return expected !== undefined && isSame(expected, request.signature);
  });
}

export function isS3Signature({ token, signature }: S3Request, secret: string): boolean {
  const signed = Buffer.from(token, 'base64');
  const text = signed.toString();
  if (!text.startsWith('AWS4'))
    return isSame(createHmac('sha1', secret).update(signed).digest('base64'), signature);
  const [algorithm, , scope = '', ...rest] = text.split('\n');
  const [date = '', region = '', service = '', end, ...more] = scope.split('/');
  const isKnown =
    algorithm === 'AWS4-HMAC-SHA256' && rest.length === 1 && end === 'aws4_request' && more.length === 0;
  if (!isKnown || !['s3', 'iam', 'sts'].includes(service)) return false;
  return isSame(hmac(signingKey(secret, date, region, service), signed).toString('hex'), signature);
}

/** Query API, "Signature Version 2": verb, host, path and the sorted parameters. */
function version2(request: Ec2Request, host: string, secret: string): string | undefined {
  const { verb = '', path = '', params = {} } = request;
  const method = params['SignatureMethod'];
  const algorithm = method === 'HmacSHA256' ? 'sha256' : method === 'HmacSHA1' ? 'sha1' : undefined;
  if (algorithm === undefined) return undefined;
  const text = [verb, host.toLowerCase(), path, canonicalQuery(params)].join('\n');
  return createHmac(algorithm, secret).update(text).digest('base64');
}

/** "Signature Version 4 signing process". */
function version4(request: Ec2Request, host: string, secret: string): string | undefined {
  const { verb = '', path = '', params = {}, headers = {}, body_hash = '' } = request;
  const authorization = headerOf(headers, 'authorization') ?? '';
  const credential = params['X-Amz-Credential'] ?? /Credential=([^,\s]+)/.exec(authorization)?.[1] ?? '';
  const names = params['X-Amz-SignedHeaders'] ?? /SignedHeaders=([^,\s]+)/.exec(authorization)?.[1] ?? '';
  const [, date = '', region = '', service = '', end] = credential.split('/');
  const time = headerOf(headers, 'x-amz-date') ?? params['X-Amz-Date'];
  if (end !== 'aws4_request' || time === undefined) return undefined;
  const signedHeaders = names.split(';').map((name) => {
    const value = name === 'host' ? host : (headerOf(headers, name) ?? '');
    return `${name}:${value.trim()}\n`;
  });
  const canonical = [verb, path, canonicalQuery(params), signedHeaders.join(''), names, body_hash].join('\n');
  const digest = createHash('sha256').update(canonical).digest('hex');
  const text = ['AWS4-HMAC-SHA256', time, [date, region, service, end].join('/'), digest].join('\n');
  return hmac(signingKey(secret, date, region, service), Buffer.from(text)).toString('hex');
}

function canonicalQuery(params: Readonly<Record<string, string>>): string {
  return Object.entries(params)
    .filter(([name]) => name !== 'Signature' && name !== 'X-Amz-Signature')
    .map(([name, value]) => [encoded(name), encoded(value)] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

/** RFC 3986's unreserved characters stay, everything else is encoded. */
function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function signingKey(secret: string, date: string, region: string, service: string): Buffer {
  let key: Buffer = Buffer.from(`AWS4${secret}`);
  for (const part of [date, region, service, 'aws4_request']) key = hmac(key, Buffer.from(part));
  return key;
}

function hmac(key: Buffer, data: Buffer): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

function headerOf(headers: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.entries(headers).find(([given]) => given.toLowerCase() === name)?.[1];
}

/** ISO 8601, with or without its punctuation. */
function isRecent(time: string, nowMs: number): boolean {
  const basic = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time);
  const iso = basic === null ? time : `${basic.slice(1, 4).join('-')}T${basic.slice(4, 7).join(':')}Z`;
  const ms = Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/.test(iso) ? iso : `${iso}Z`);
  return Math.abs(nowMs - ms) <= AGE_MS_MAX;
}

function isSame(one: string, other: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
