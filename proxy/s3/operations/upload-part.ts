/** UploadPart (Amazon S3 API Reference). */
import { drainToStripes } from '#proxy/objects/receive-body.ts';
import { readUpload, uploadKey, writePart } from '#proxy/objects/upload-store.ts';
import { leaseOf } from '../bucket-of.ts';
import { DEFAULT_CHECKSUM, declaredChecksum, pushChecksum } from '../checksums.ts';
import { S3Error } from '../errors.ts';
import { refuseUnsupported } from '../object-headers.ts';
import { parsePartNumber } from '../object-reading.ts';
import type { FlatHeaders } from '../reply.ts';
import type { Operation } from '../request.ts';
import { noSuchUpload, uploadIdOf } from '../upload-of.ts';

export const uploadPart: Operation = async (request, context) => {
  const { key } = request;
  const number = parsePartNumber(request.query.get('partNumber') ?? '');
  refuseUnsupported(request.headers);
  const uploadId = uploadIdOf(request);
  const lease = await leaseOf(request, context);
  const upload = await readUpload(context.cluster, lease.bucket, key, uploadId);
  if (upload === undefined || upload.completion !== undefined) throw noSuchUpload(uploadId);
  // Parts count for nothing until they make an object; one that could never be in it is not to be sent.
  await lease.checkRoom(
    Number(request.header('x-amz-decoded-content-length') ?? request.header('content-length') ?? 0),
  );
  const checksumByDefault = upload.checksum?.algorithm ?? DEFAULT_CHECKSUM;
  const body = request.openBody(context, { checksumByDefault });
  if (body.declaredLength === undefined) throw new S3Error('MissingContentLength');
  const { digests, stripes } = await drainToStripes(
    context.cluster,
    uploadKey(lease.bucket, key, uploadId),
    body,
  );
  const checksum = declaredChecksum(digests.checksums);
  if (
    checksum !== undefined &&
    upload.checksum !== undefined &&
    checksum.algorithm !== upload.checksum.algorithm
  ) {
    context.cluster.bodies.release(stripes);
    const types = `expected checksum Type: ${upload.checksum.algorithm}, actual checksum Type: ${checksum.algorithm}`;
    throw new S3Error('InvalidRequest', `Checksum Type mismatch occurred, ${types}`);
  }
  const { md5Hex, lengthBytes } = digests;
  const part = { number, md5Hex, sizeBytes: lengthBytes, checksum, stripes };
  const written = await writePart(context.cluster, lease, key, uploadId, part);
  if (!written.open) throw noSuchUpload(uploadId);
  const headers: FlatHeaders = ['ETag', `"${md5Hex}"`];
  pushChecksum(headers, checksum);
  request.reply.empty(200, headers);
};
