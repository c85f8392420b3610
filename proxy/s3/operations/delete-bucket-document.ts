/** DeleteBucketPolicy, DeleteBucketCors, DeleteBucketTagging and their like: what is not there is deleted all the same. */
import { type BucketDocument, storeBucketDocument } from '../bucket-document.ts';
import { bucketOf } from '../bucket-of.ts';
import type { Operation } from '../request.ts';

export function deleteBucketDocument(document: BucketDocument): Operation {
  return async (request, context) => {
    const bucket = await bucketOf(request, context);
    await storeBucketDocument(request, context, bucket, document, undefined);
    request.reply.empty(204);
  };
}
