/** CreateMultipartUpload (Amazon S3 API Reference). */
import { newUploadId } from '#proxy/objects/upload-record.ts';
import { createUpload } from '#proxy/objects/upload-store.ts';
import { newObjectAccess, permitNewAccess } from '../access/new-list.ts';
import { leaseOf } from '../bucket-of.ts';
import { checksumPlan } from '../checksums.ts';
import { readStoredHeaders, refuseUnsupported } from '../object-headers.ts';
import type { FlatHeaders } from '../reply.ts';
import type { Operation } from '../request.ts';
import { XmlWriter } from '../xml/writer.ts';

export const createMultipartUpload: Operation = async (request, context) => {
  refuseUnsupported(request.headers);
  const checksum = checksumPlan(request.headers);
  const stored = readStoredHeaders(request.headers);
  const lease = await leaseOf(request, context);
  const initiatedMs = context.clock.nowMs();
  const uploadId = newUploadId(initiatedMs, context.randomness);
  await permitNewAccess(request, context, lease.bucket, { key: request.key });
  const access = newObjectAccess(request, context, lease.bucket);
  const upload = { initiatedMs, ...stored, ...access, ...(checksum === undefined ? {} : { checksum }) };
  await createUpload(context.cluster, lease, request.key, uploadId, upload);
  const headers: FlatHeaders = [];
  if (checksum !== undefined) {
    headers.push(
      'x-amz-checksum-algorithm',
      checksum.algorithm.toUpperCase(),
      'x-amz-checksum-type',
      checksum.type,
    );
  }
  const xml = new XmlWriter('InitiateMultipartUploadResult').element('Bucket', request.bucket);
  xml.element('Key', request.key).element('UploadId', uploadId);
  request.reply.xml(200, xml.done(), headers);
};
