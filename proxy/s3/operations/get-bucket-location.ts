/** GetBucketLocation (Amazon S3 API Reference): an empty constraint stands for us-east-1. */
import { bucketOf } from '../bucket-of.ts';
import type { Operation } from '../request.ts';
import { escapeXml, S3_NAMESPACE } from '../xml/writer.ts';

export const getBucketLocation: Operation = async (request, context) => {
  await bucketOf(request, context);
  const region = context.region === 'us-east-1' ? '' : escapeXml(context.region);
  const head = '<?xml version="1.0" encoding="UTF-8"?>\n';
  request.reply.xml(200, `${head}<LocationConstraint xmlns="${S3_NAMESPACE}">${region}</LocationConstraint>`);
};
