/** HeadBucket (Amazon S3 API Reference). */
import { bucketOf } from '../bucket-of.ts';
import type { Operation } from '../request.ts';

export const headBucket: Operation = async (request, context) => {
  await bucketOf(request, context);
  request.reply.empty(200, ['x-amz-bucket-region', context.region, 'x-amz-access-point-alias', 'false']);
};
