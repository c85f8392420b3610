/**
 * Which operation a request asks for: by method, by what the path names, and by the sub-resource in the query
 * (Amazon S3 API Reference, "Actions"). A parameter that is no sub-resource chooses nothing.
 */
import type { IncomingMessage } from 'node:http';
import { notImplemented, S3Error } from './errors.ts';
import { abortMultipartUpload } from './operations/abort-multipart-upload.ts';
import { completeMultipartUpload } from './operations/complete-multipart-upload.ts';
import { copyObject } from './operations/copy-object.ts';
import { createBucket } from './operations/create-bucket.ts';
import { createMultipartUpload } from './operations/create-multipart-upload.ts';
import { deleteBucket } from './operations/delete-bucket.ts';
import { deleteObject } from './operations/delete-object.ts';
import { deleteObjects } from './operations/delete-objects.ts';
import { getAcl } from './operations/get-acl.ts';
import {
  absentBucketConfiguration,
  emptyBucketConfiguration,
} from './operations/get-bucket-configuration.ts';
import { getBucketLocation } from './operations/get-bucket-location.ts';
import { getObject } from './operations/get-object.ts';
import { getObjectTagging } from './operations/get-object-tagging.ts';
import { headBucket } from './operations/head-bucket.ts';
import { headObject } from './operations/head-object.ts';
import { listBuckets } from './operations/list-buckets.ts';
import { listMultipartUploads } from './operations/list-multipart-uploads.ts';
import { listObjectVersions } from './operations/list-object-versions.ts';
import { listObjects } from './operations/list-objects.ts';
import { listObjectsV2 } from './operations/list-objects-v2.ts';
import { listParts } from './operations/list-parts.ts';
import { putAcl } from './operations/put-acl.ts';
import { putObject } from './operations/put-object.ts';
import { uploadPart } from './operations/upload-part.ts';
import { uploadPartCopy } from './operations/upload-part-copy.ts';
import type { Operation, S3Request } from './request.ts';

interface Routes {
  readonly plain?: Operation;
  /** By sub-resource, tried in this order. */
  readonly sub: Readonly<Record<string, Operation>>;
}

type MethodRoutes = Readonly<Record<string, Routes>>;

const serviceRoutes: MethodRoutes = { GET: { plain: listBuckets, sub: {} } };

const bucketRoutes: MethodRoutes = {
  GET: {
    plain: listObjects,
    sub: {
      location: getBucketLocation,
      uploads: listMultipartUploads,
      versions: listObjectVersions,
      acl: getAcl,
      accelerate: emptyBucketConfiguration('AccelerateConfiguration'),
      logging: emptyBucketConfiguration('BucketLoggingStatus'),
      notification: emptyBucketConfiguration('NotificationConfiguration'),
      requestPayment: emptyBucketConfiguration('RequestPaymentConfiguration', { Payer: 'BucketOwner' }),
      versioning: emptyBucketConfiguration('VersioningConfiguration'),
      cors: absentBucketConfiguration('NoSuchCORSConfiguration'),
      encryption: absentBucketConfiguration('ServerSideEncryptionConfigurationNotFoundError'),
      lifecycle: absentBucketConfiguration('NoSuchLifecycleConfiguration'),
      'object-lock': absentBucketConfiguration('ObjectLockConfigurationNotFoundError'),
      ownershipControls: absentBucketConfiguration('OwnershipControlsNotFoundError'),
      policy: absentBucketConfiguration('NoSuchBucketPolicy'),
      policyStatus: absentBucketConfiguration('NoSuchBucketPolicy'),
      publicAccessBlock: absentBucketConfiguration('NoSuchPublicAccessBlockConfiguration'),
      replication: absentBucketConfiguration('ReplicationConfigurationNotFoundError'),
      tagging: absentBucketConfiguration('NoSuchTagSet'),
      website: absentBucketConfiguration('NoSuchWebsiteConfiguration'),
      'list-type': listObjectsV2,
    },
  },
  HEAD: { plain: headBucket, sub: {} },
  PUT: { plain: createBucket, sub: { acl: putAcl } },
  DELETE: { plain: deleteBucket, sub: {} },
  POST: { sub: { delete: deleteObjects } },
};

const objectRoutes: MethodRoutes = {
  GET: { plain: getObject, sub: { uploadId: listParts, acl: getAcl, tagging: getObjectTagging } },
  HEAD: { plain: headObject, sub: {} },
  PUT: { plain: putObject, sub: { uploadId: uploadPart, acl: putAcl } },
  DELETE: { plain: deleteObject, sub: { uploadId: abortMultipartUpload } },
  POST: { sub: { uploads: createMultipartUpload, uploadId: completeMultipartUpload } },
};

/** Names that choose another operation than the plain one, whether it is built or not. */
const subresources: ReadonlySet<string> = new Set([
  ...Object.keys(bucketRoutes['GET']?.sub ?? {}),
  ...[
    'abac',
    'analytics',
    'append',
    'attributes',
    'delete',
    'intelligent-tiering',
    'inventory',
    'legal-hold',
  ],
  ...[
    'metadataConfiguration',
    'metadataTable',
    'metrics',
    'renameObject',
    'restore',
    'retention',
    'select',
    'session',
  ],
  ...['torrent', 'uploadId', 'uploads', 'update'],
]);

export function routeOf(request: S3Request, incoming: IncomingMessage): Operation {
  const { hasBucket, hasKey } = request;
  const table = hasKey ? objectRoutes : hasBucket ? bucketRoutes : serviceRoutes;
  const method = incoming.method ?? '';
  const routes = Object.hasOwn(table, method) ? table[method] : undefined;
  if (routes === undefined) throw new S3Error('MethodNotAllowed', undefined, { fields: { Method: method } });
  for (const name of request.query.names()) {
    if (!subresources.has(name)) continue;
    const found = subrouteOf(routes, request);
    if (found === undefined) throw notImplemented(name);
    return copying(found, request);
  }
  if (routes.plain === undefined) throw notImplemented(method);
  return copying(routes.plain, request);
}

function subrouteOf(routes: Routes, request: S3Request): Operation | undefined {
  for (const name in routes.sub) {
    if (request.query.has(name)) return routes.sub[name];
  }
  return undefined;
}

/** A copy is told from an upload by a header alone. */
function copying(operation: Operation, request: S3Request): Operation {
  if (request.header('x-amz-copy-source') === undefined) return operation;
  if (operation === putObject) return copyObject;
  return operation === uploadPart ? uploadPartCopy : operation;
}
