/** AbortMultipartUpload (Amazon S3 API Reference). */
import { abortUpload } from '#proxy/objects/abort-upload.ts';
import { bucketOf } from '../bucket-of.ts';
import { S3Error } from '../errors.ts';
import type { Operation } from '../request.ts';
import { noSuchUpload, uploadIdOf } from '../upload-of.ts';

export const abortMultipartUpload: Operation = async (request, context) => {
  const uploadId = uploadIdOf(request);
  const bucket = await bucketOf(request, context);
  const outcome = await abortUpload(context.cluster, bucket, request.key, uploadId, context.clock.nowMs());
  if (outcome === 'missing') throw noSuchUpload(uploadId);
  if (outcome === 'completing') throw new S3Error('OperationAborted');
  request.reply.empty(204);
};
