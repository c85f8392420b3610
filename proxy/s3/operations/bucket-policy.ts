/** GetBucketPolicy, PutBucketPolicy and GetBucketPolicyStatus (Amazon S3 API Reference). */
import { isPublicList } from '#proxy/access/acl/access-control-list.ts';
import { POLICY_BYTES_MAX } from '#proxy/access/policy/parse-policy.ts';
import { type Policy, PolicyError } from '#proxy/access/policy/policy.ts';
import { policyForBucket } from '#proxy/access/policy/policy-for-bucket.ts';
import { readBucketDocument, storeBucketDocument } from '../bucket-document.ts';
import { bucketOf } from '../bucket-of.ts';
import { S3Error } from '../errors.ts';
import type { Operation } from '../request.ts';
import { XmlWriter } from '../xml/writer.ts';

export const getBucketPolicy: Operation = async (request, context) => {
  const bucket = await bucketOf(request, context);
  const text = Buffer.from(readBucketDocument(request, bucket, 'policy', 'NoSuchBucketPolicy'));
  request.reply.head(200, ['Content-Type', 'application/json', 'Content-Length', text.length]);
  request.reply.response.end(text);
};

export const putBucketPolicy: Operation = async (request, context) => {
  const bucket = await bucketOf(request, context);
  const text = (await request.openBody(context).readAll(4 * POLICY_BYTES_MAX)).toString('utf8');
  const policy = parsed(text, request.bucket);
  if (policy.isPublic && context.rules.of(bucket).block.blockPublicPolicy) throw new S3Error('AccessDenied');
  await storeBucketDocument(request, context, bucket, 'policy', text);
  request.reply.empty(204);
};

function parsed(text: string, bucketName: string): Policy {
  try {
    return policyForBucket(text, bucketName);
  } catch (cause) {
    if (cause instanceof PolicyError) throw new S3Error('MalformedPolicy', cause.message, { cause });
    throw cause;
  }
}

/** Whether the public gets anything from the policy or from the bucket's list. */
export const getBucketPolicyStatus: Operation = async (request, context) => {
  const { policy, list, block, ownership } = context.rules.of(await bucketOf(request, context));
  const byPolicy = policy?.isPublic === true && !block.restrictPublicBuckets;
  const byList = isPublicList(list) && !block.ignorePublicAcls && ownership !== 'BucketOwnerEnforced';
  request.reply.xml(200, new XmlWriter('PolicyStatus').element('IsPublic', byPolicy || byList).done());
};
