/**
 * What conditions of a bucket policy can ask of a request (AWS Service Authorization Reference, "Condition keys for
 * Amazon S3"; IAM User Guide, "AWS global condition context keys").
 */
import type { ContextOf } from '#proxy/access/policy/condition.ts';
import { isAnonymous } from '#proxy/access/anonymous.ts';
import type { TagSet } from '#proxy/objects/tag-set.ts';
import type { S3Request } from '../request.ts';
import { parseTaggingHeader } from '../tagging.ts';
import type { HeaderOf } from './acl-headers.ts';

type Values = readonly string[] | undefined;

const queryKeys: Readonly<Record<string, string>> = {
  's3:prefix': 'prefix',
  's3:delimiter': 'delimiter',
  's3:max-keys': 'max-keys',
};

const EXISTING_TAG = 's3:existingobjecttag/';
const REQUEST_TAG = 's3:requestobjecttag/';

/** What leave is asked for. */
export interface Facts {
  readonly request: S3Request;
  /** What the operation goes by: a condition that looked elsewhere could be met without being kept. */
  readonly header: HeaderOf;
  readonly versionId: string | undefined;
  /** The tags of the object that is there. */
  readonly existing: () => TagSet | undefined;
}

export function requestConditions({ request, header, versionId, existing }: Facts, nowMs: number): ContextOf {
  return (key) => {
    if (key.startsWith(EXISTING_TAG)) return tagValue(existing(), key.slice(EXISTING_TAG.length));
    if (key.startsWith(REQUEST_TAG)) return tagValue(requestTags(header), key.slice(REQUEST_TAG.length));
    if (key === 's3:requestobjecttagkeys') return requestTags(header)?.map(([name]) => name);
    const parameter = Object.hasOwn(queryKeys, key) ? queryKeys[key] : undefined;
    if (parameter !== undefined) return one(request.query.get(parameter));
    if (key === 's3:versionid') return one(versionId);
    if (key.startsWith('s3:x-amz-')) return ofHeader(header, key.slice('s3:'.length));
    if (key === 's3:if-match' || key === 's3:if-none-match') return one(header(key.slice('s3:'.length)));
    return ofTransport(request, key, nowMs) ?? ofPrincipal(request, key);
  };
}

function ofTransport(request: S3Request, key: string, nowMs: number): Values {
  if (key === 'aws:sourceip') return one(request.remoteAddress);
  if (key === 'aws:securetransport') return [String(request.isEncrypted)];
  if (key === 'aws:referer') return one(request.header('referer'));
  if (key === 'aws:useragent') return one(request.header('user-agent'));
  if (key === 'aws:currenttime') return [new Date(nowMs).toISOString()];
  if (key === 'aws:epochtime') return [String(Math.floor(nowMs / 1000))];
  return undefined;
}

function ofPrincipal(request: S3Request, key: string): Values {
  const { principal } = request;
  const anonymous = isAnonymous(principal);
  if (key === 'aws:principaltype') return [anonymous ? 'Anonymous' : 'User'];
  if (anonymous) return undefined;
  const { account, userName } = principal;
  if (key === 'aws:username') return [userName];
  if (key === 'aws:userid') return [principal.accessKey];
  if (key === 'aws:principalaccount') return [account];
  if (key === 'aws:principalarn') return [`arn:aws:iam::${account}:user/${userName}`];
  if (key === 's3:signatureversion') return ['AWS4-HMAC-SHA256'];
  if (key === 's3:authtype')
    return [request.query.has('X-Amz-Signature') ? 'REST-QUERY-STRING' : 'REST-HEADER'];
  return undefined;
}

function ofHeader(header: HeaderOf, name: string): Values {
  const value = header(name);
  // A policy names the source as bucket/key, however the client wrote it.
  return one(name === 'x-amz-copy-source' ? value?.replace(/^\//, '') : value);
}

function requestTags(header: HeaderOf): TagSet | undefined {
  const value = header('x-amz-tagging');
  return value === undefined ? undefined : parseTaggingHeader(value);
}

function tagValue(tags: TagSet | undefined, name: string): Values {
  return one(tags?.find(([known]) => known === name)?.[1]);
}

function one(value: string | undefined): Values {
  return value === undefined ? undefined : [value];
}
