/** PutObject (Amazon S3 API Reference). */
import type { Stripe } from '#cluster/cluster.ts';
import type { RequestBody } from '#proxy/body/request-body.ts';
import { storeLayout } from '#proxy/objects/object-body.ts';
import { EncodedObject, INLINE_BYTES_MAX, type ObjectBody } from '#proxy/objects/object-record.ts';
import { objectKey, readObject, writeObject } from '#proxy/objects/object-store.ts';
import { judgeCondition } from '#proxy/objects/write-condition.ts';
import type { BodyDigests } from '#proxy/body/request-body.ts';
import { leaseOf } from '../bucket-of.ts';
import { drainToStripes } from '../body-to-stripes.ts';
import { declaredChecksum, pushChecksum } from '../checksums.ts';
import { conditionError, writeCondition } from '../conditions.ts';
import type { S3Context } from '../context.ts';
import { S3Error } from '../errors.ts';
import { readStoredHeaders, refuseUnsupported } from '../object-headers.ts';
import type { FlatHeaders } from '../reply.ts';
import type { Operation } from '../request.ts';
import type { BucketPlace } from '#proxy/objects/bucket-access.ts';

export const putObject: Operation = async (request, context) => {
  const { key, headers } = request;
  refuseUnsupported(headers);
  const stored = readStoredHeaders(headers);
  const condition = writeCondition((name) => request.header(name));
  const lease = await leaseOf(request, context);
  const declared = declaredLengthOf(
    request.header('content-length'),
    request.header('x-amz-decoded-content-length'),
  );
  if (condition !== undefined && declared > INLINE_BYTES_MAX) {
    // A condition that fails already need not wait for the body; it is decided again with the write.
    const verdict = judgeCondition(
      condition,
      (await readObject(context.cluster, lease.bucket, key))?.metadata,
    );
    if (verdict !== 'holds') throw conditionError(verdict, condition);
  }
  const received = await receive(context, lease.bucket, key, request.openBody(context));
  const { md5Hex, lengthBytes, checksums } = received.digests;
  const declaredSum = declaredChecksum(checksums);
  const checksum = declaredSum === undefined ? undefined : { ...declaredSum, type: 'FULL_OBJECT' as const };
  const metadata = {
    etag: md5Hex,
    sizeBytes: lengthBytes,
    ...stored,
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
  request.reply.empty(200, answer);
};

function declaredLengthOf(length: string | undefined, decodedLength: string | undefined): number {
  const declared = decodedLength ?? length;
  if (declared === undefined) throw new S3Error('MissingContentLength');
  return Number(declared);
}

interface Received {
  readonly digests: BodyDigests;
  readonly body: ObjectBody;
  /** All that the body occupies, a manifest's too. */
  readonly stripes: readonly Stripe[];
}

async function receive(
  context: S3Context,
  bucket: BucketPlace,
  key: string,
  body: RequestBody,
): Promise<Received> {
  if (body.declaredLength === undefined) throw new S3Error('MissingContentLength');
  if (body.declaredLength <= INLINE_BYTES_MAX) {
    const { bytes, digests } = await body.collect(INLINE_BYTES_MAX);
    return { digests, body: { form: 'inline', bytes }, stripes: [] };
  }
  const owner = objectKey(bucket, key);
  const { digests, stripes } = await drainToStripes(context.cluster, owner, body);
  const stored = await storeLayout(context.cluster, owner, { stripes, parts: [] });
  const manifest = stored.form === 'manifest' ? stored.manifest : [];
  return { digests, body: stored, stripes: [...stripes, ...manifest] };
}
