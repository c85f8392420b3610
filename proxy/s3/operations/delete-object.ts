/** DeleteObject (Amazon S3 API Reference). */
import { deleteOne } from '../delete-one.ts';
import { leaseOf } from '../bucket-of.ts';
import { writeCondition } from '../conditions.ts';
import { notImplemented, S3Error } from '../errors.ts';
import { leaveOf } from '../object-lock/bypass.ts';
import { selectorOf } from '../object-of.ts';
import type { FlatHeaders } from '../reply.ts';
import type { Operation } from '../request.ts';

/** Conditions of another kind of bucket: whoever sends one must not lose what it was to protect. */
const otherConditions = ['x-amz-if-match-size', 'x-amz-if-match-last-modified-time', 'if-none-match'];

export const deleteObject: Operation = async (request, context) => {
  const selector = selectorOf(request.query.get('versionId'));
  for (const name of otherConditions) if (request.header(name) !== undefined) throw notImplemented(name);
  const condition = writeCondition((name) => request.header(name));
  const lease = await leaseOf(request, context);
  const versionId = request.query.get('versionId');
  const leave = await leaveOf(request, context, lease.bucket, { key: request.key, versionId });
  const deleted = await deleteOne(context.cluster, lease, request.key, selector, condition, leave);
  // Also for an object that is not there: If-Match is false without one (RFC 9110, section 13.1.1).
  if (deleted === 'fails')
    throw new S3Error('PreconditionFailed', undefined, { fields: { Condition: 'If-Match' } });
  const headers: FlatHeaders = [];
  if (deleted.versionId !== undefined) headers.push('x-amz-version-id', deleted.versionId);
  if (deleted.isDeleteMarker) headers.push('x-amz-delete-marker', 'true');
  request.reply.empty(204, headers);
};
