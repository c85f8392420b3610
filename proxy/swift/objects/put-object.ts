/** PUT of an object (Object Storage API reference, "Create or replace object"). */
import { defaultLock } from '#proxy/buckets/bucket-lock.ts';
import { EncodedObject, INLINE_BYTES_MAX } from '#proxy/objects/object-record.ts';
import { objectKey, readObject, writeObject } from '#proxy/objects/object-store.ts';
import { receiveBody } from '#proxy/objects/receive-body.ts';
import { judgeCondition, type WriteCondition } from '#proxy/objects/write-condition.ts';
import type { BucketLease } from '#proxy/buckets/bucket-directory.ts';
import { writableContainer } from '../container-of.ts';
import type { SwiftContext } from '../context.ts';
import { badRequest, SwiftError } from '../errors.ts';
import { putStaticObject } from '../large-objects/put-static-object.ts';
import type { Operation, SwiftRequest } from '../request.ts';
import { swiftWriteCondition } from './conditions.ts';
import { copyFrom } from './copy-object.ts';
import { checkObjectName } from './object-name.ts';
import {
  checkBodyHeaders,
  givenEtag,
  putContentType,
  readGivenMetadata,
  swiftSection,
} from './put-headers.ts';
import { answerWritten } from './written-object.ts';

export const putObject: Operation = async (request, context) => {
  checkObjectName(request.object);
  if (request.query.get('multipart-manifest') === 'put') return putStaticObject(request, context);
  const { 'x-copy-from': source } = request.headers;
  if (source !== undefined && source !== '') return copyFrom(request, context);
  const { lease } = await writableContainer(request, context);
  if (request.header('x-static-large-object') !== undefined) {
    throw badRequest('X-Static-Large-Object is a reserved header: use the query multipart-manifest=put.');
  }
  const contentType = putContentType(request, request.object);
  const given = readGivenMetadata(request, context, contentType);
  const condition = swiftWriteCondition((name) => request.header(name));
  checkBodyHeaders(request);
  await checkEarly(request, context, lease, condition);
  const owner = objectKey(lease.bucket, request.object);
  const received = await receiveBody(context.cluster, owner, request.openBody(context));
  const { md5Hex, lengthBytes } = received.digests;
  const etag = givenEtag(request);
  if (etag !== undefined && etag !== md5Hex) {
    context.cluster.bodies.release(received.stripes);
    throw new SwiftError(422);
  }
  const { headers, user, swift } = given;
  const metadata = {
    etag: md5Hex,
    sizeBytes: lengthBytes,
    headers,
    user,
    ...swiftSection(swift),
    ...defaultLock(lease.bucket, context.clock.nowMs()),
  };
  const object = new EncodedObject(metadata, received.body);
  const written = await writeObject(context.cluster, lease, request.object, object, condition);
  if (written.outcome !== 'done') context.cluster.bodies.release(received.stripes);
  answerWritten(request, written, md5Hex);
};

/** A condition that fails already need not wait for a long body; it is decided again with the write. */
async function checkEarly(
  request: SwiftRequest,
  context: SwiftContext,
  lease: BucketLease,
  condition: WriteCondition | undefined,
): Promise<void> {
  const length = request.header('content-length');
  if (condition === undefined || (length !== undefined && Number(length) <= INLINE_BYTES_MAX)) return;
  const current = await readObject(context.cluster, lease.bucket, request.object);
  if (judgeCondition(condition, current?.metadata, context.clock.nowMs()) !== 'holds')
    throw new SwiftError(412);
}
