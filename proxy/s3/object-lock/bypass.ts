/** Whether a request goes past retention in governance mode: it must say so, and may. */
import type { BucketRecord } from '#proxy/buckets/bucket-record.ts';
import type { Leave } from '#proxy/objects/object-lock.ts';
import { permit } from '../access/permit.ts';
import type { S3Context } from '../context.ts';
import type { S3Request } from '../request.ts';

/** Throws AccessDenied when it says so and may not. */
export async function leaveOf(
  request: S3Request,
  context: S3Context,
  bucket: BucketRecord,
  { key, versionId }: { readonly key: string; readonly versionId: string | undefined },
): Promise<Leave> {
  if (request.header('x-amz-bypass-governance-retention')?.toLowerCase() !== 'true')
    return { bypassesGovernance: false };
  await permit(request, context, bucket, {
    action: 's3:BypassGovernanceRetention',
    bucketName: request.bucket,
    key,
    object: async () => undefined,
    version: { id: versionId },
  });
  return { bypassesGovernance: true };
}
