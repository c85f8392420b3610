/**
 * What conditions of a bucket policy can ask of a request (AWS Service Authorization Reference, "Condition keys for
 * Amazon S3"; IAM User Guide, "AWS global condition context keys").
 */
import type { ContextOf } from '#proxy/access/policy/condition.ts';
import { isAnonymous } from '#proxy/access/anonymous.ts';
import type { TagSet } from '#proxy/objects/tag-set.ts';
import type { S3Request } from '../request.ts';
import { parseTaggingHeader } from '../tagging.ts';

type Values = readonly string[] | undefined;

const queryKeys: Readonly<Record<string, string>> = {
  's3:prefix': 'prefix',
  's3:delimiter': 'delimiter',
  's3:max-keys': 'max-keys',
  's3:versionid': 'versionId',
};

const EXISTING_TAG = 's3:existingobjecttag/';
const REQUEST_TAG = 's3:requestobjecttag/';

/** @param existing the tags of the object that is there. */
export function requestConditions(
  request: S3Request,
  nowMs: number,
  existing: () => TagSet | undefined,
): ContextOf {
  return (key) => {
    if (key.startsWith(EXISTING_TAG)) return tagValue(existing(), key.slice(EXISTING_TAG.length));
    if (key.startsWith(REQUEST_TAG)) return tagValue(requestTags(request), key.slice(REQUEST_TAG.length));
    if (key === 's3:requestobjecttagkeys') return requestTags(request)?.map(([name]) => name);
    const parameter = Object.hasOwn(queryKeys, key) ? queryKeys[key] : undefined;
    if (parameter !== undefined) return one(request.query.get(parameter));
    if (key.startsWith('s3:x-amz-')) return headerOrParameter(request, key.slice('s3:'.length));
    if (key === 's3:if-match' || key === 's3:if-none-match')
      return one(request.header(key.slice('s3:'.length)));
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

/** A presigned URL may carry in its query what a request otherwise carries in a header. */
function headerOrParameter(request: S3Request, name: string): Values {
  const header = request.header(name);
  if (header === undefined) return one(request.query.get(name));
  // A policy names the source as bucket/key, however the client wrote it.
  return [name === 'x-amz-copy-source' ? header.replace(/^\//, '') : header];
}

function requestTags(request: S3Request): TagSet | undefined {
  const header = request.header('x-amz-tagging');
  return header === undefined ? undefined : parseTaggingHeader(header);
}

function tagValue(tags: TagSet | undefined, name: string): Values {
  return one(tags?.find(([known]) => known === name)?.[1]);
}

function one(value: string | undefined): Values {
  return value === undefined ? undefined : [value];
}
