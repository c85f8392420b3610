/** PutObject (Amazon S3 API Reference). */
import { EncodedObject, INLINE_BYTES_MAX } from '#proxy/objects/object-record.ts';
import { objectKey, readObject, writeObject } from '#proxy/objects/object-store.ts';
import { receiveBody } from '#proxy/objects/receive-body.ts';
import { judgeCondition } from '#proxy/objects/write-condition.ts';
import { newObjectAccess, permitNewAccess } from '../access/new-list.ts';
import { isOwnersAlone } from '../access/permit.ts';
import { leaseOf } from '../bucket-of.ts';
import { DEFAULT_CHECKSUM, declaredChecksum, pushChecksum } from '../checksums.ts';
import { conditionError, writeCondition } from '../conditions.ts';
import { S3Error } from '../errors.ts';
import { readStoredHeaders, refuseUnsupported } from '../object-headers.ts';
import type { FlatHeaders } from '../reply.ts';
import type { Operation } from '../request.ts';
import { pushWritten } from '../version-headers.ts';

export const putObject: Operation = async (request, context) => {
  const { key, headers } = request;
  refuseUnsupported(headers);
  const stored = readStoredHeaders(headers);
  const condition = writeCondition((name) => request.header(name));
  const lease = await leaseOf(request, context);
  if (!isOwnersAlone(request.principal, lease.bucket))
    await permitNewAccess(request, context, lease.bucket, { key });
  const access = newObjectAccess(request, context, lease.bucket);
  const declared = declaredLengthOf(
    request.header('content-length'),
    request.header('x-amz-decoded-content-length'),
  );
  if (condition !== undefined && declared > INLINE_BYTES_MAX) {
    // A condition that fails already need not wait for the body; it is decided again with the write.
    const verdict = judgeCondition(
      condition,
      (await readObject(context.cluster, lease.bucket, key))?.metadata,
      context.clock.nowMs(),
    );
    if (verdict !== 'holds') throw conditionError(verdict, condition);
  }
  if (declared > INLINE_BYTES_MAX) await lease.checkRoom(declared);
  const body = request.openBody(context, { checksumByDefault: DEFAULT_CHECKSUM });
  if (body.declaredLength === undefined) throw new S3Error('MissingContentLength');
  const received = await receiveBody(context.cluster, objectKey(lease.bucket, key), body);
  const { md5Hex, lengthBytes, checksums } = received.digests;
  const declaredSum = declaredChecksum(checksums);
  const checksum = declaredSum === undefined ? undefined : { ...declaredSum, type: 'FULL_OBJECT' as const };
  const metadata = {
    etag: md5Hex,
    sizeBytes: lengthBytes,
    ...stored,
    ...access,
    ...(checksum === undefined ? {} : { checksum }),
  };
  const object = new EncodedObject(metadata, received.body);
  const written = await writeObject(context.cluster, lease, key, object, condition);
  if (written.outcome !== 'done') {
    context.cluster.bodies.release(received.stripes);
    throw conditionError(written.outcome, condition);
  }
  const answer: FlatHeaders = ['ETag', `"${md5Hex}"`];
  pushChecksum(answer, checksum);
  pushWritten(answer, written);
  const expiration = context.expirations.of(lease.bucket, key, metadata, written.modifiedMs);
  if (expiration !== undefined) answer.push('x-amz-expiration', expiration);
  request.reply.empty(200, answer);
};

function declaredLengthOf(length: string | undefined, decodedLength: string | undefined): number {
  const declared = decodedLength ?? length;
  if (declared === undefined) throw new S3Error('MissingContentLength');
  return Number(declared);
}
