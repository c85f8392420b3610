/**
 * Which operation a request asks for: by method, by what the path names, and by the sub-resource in the query
 * (Amazon S3 API Reference, "Actions"). A parameter that is no sub-resource chooses nothing.
 */
import type { IncomingMessage } from 'node:http';
import { type S3Action, versionAction } from '#proxy/access/actions.ts';
import { notImplemented, S3Error } from './errors.ts';
import { abortMultipartUpload } from './operations/abort-multipart-upload.ts';
import { completeMultipartUpload } from './operations/complete-multipart-upload.ts';
import { copyObject } from './operations/copy-object.ts';
import { createBucket } from './operations/create-bucket.ts';
import { createMultipartUpload } from './operations/create-multipart-upload.ts';
import { deleteBucket } from './operations/delete-bucket.ts';
import { deleteObject } from './operations/delete-object.ts';
import { deleteObjects } from './operations/delete-objects.ts';
import { getBucketAcl, getObjectAcl } from './operations/get-acl.ts';
import {
  absentBucketConfiguration,
  emptyBucketConfiguration,
} from './operations/get-bucket-configuration.ts';
import { getBucketLocation } from './operations/get-bucket-location.ts';
import { getObject } from './operations/get-object.ts';
import { getObjectAttributes } from './operations/get-object-attributes.ts';
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from './operations/object-tagging.ts';
import { deleteBucketDocument } from './operations/delete-bucket-document.ts';
import { getBucketCors, putBucketCors } from './operations/bucket-cors.ts';
import { getBucketLifecycle, putBucketLifecycle } from './operations/bucket-lifecycle.ts';
import { getBucketOwnershipControls, putBucketOwnershipControls } from './operations/bucket-ownership.ts';
import { getBucketPolicy, getBucketPolicyStatus, putBucketPolicy } from './operations/bucket-policy.ts';
import { getBucketRequestPayment, putBucketRequestPayment } from './operations/bucket-request-payment.ts';
import { getBucketTagging, putBucketTagging } from './operations/bucket-tagging.ts';
import { getBucketVersioning, putBucketVersioning } from './operations/bucket-versioning.ts';
import { getPublicAccessBlock, putPublicAccessBlock } from './operations/public-access-block.ts';
import {
  getObjectLockConfiguration,
  putObjectLockConfiguration,
} from './operations/object-lock-configuration.ts';
import {
  getObjectLegalHold,
  getObjectRetention,
  putObjectLegalHold,
  putObjectRetention,
} from './operations/object-retention.ts';
import { postObject } from './operations/post-object.ts';
import { headBucket } from './operations/head-bucket.ts';
import { headObject } from './operations/head-object.ts';
import { listBuckets } from './operations/list-buckets.ts';
import { listMultipartUploads } from './operations/list-multipart-uploads.ts';
import { listObjectVersions } from './operations/list-object-versions.ts';
import { listObjects } from './operations/list-objects.ts';
import { listObjectsV2 } from './operations/list-objects-v2.ts';
import { listParts } from './operations/list-parts.ts';
import { putBucketAcl, putObjectAcl } from './operations/put-acl.ts';
import { putObject } from './operations/put-object.ts';
import { uploadPart } from './operations/upload-part.ts';
import { uploadPartCopy } from './operations/upload-part-copy.ts';
import type { Operation, S3Request } from './request.ts';

interface Route {
  readonly operation: Operation;
  /** What leave it asks for. */
  readonly action: S3Action;
}

interface Routes {
  readonly plain?: Route;
  /** By sub-resource, tried in this order. */
  readonly sub: Readonly<Record<string, Route>>;
}

type MethodRoutes = Readonly<Record<string, Routes>>;

function to(operation: Operation, action: S3Action): Route {
  return { operation, action };
}

const serviceRoutes: MethodRoutes = { GET: { plain: to(listBuckets, 's3:ListAllMyBuckets'), sub: {} } };

const bucketRoutes: MethodRoutes = {
  GET: {
    plain: to(listObjects, 's3:ListBucket'),
    sub: {
      location: to(getBucketLocation, 's3:GetBucketLocation'),
      uploads: to(listMultipartUploads, 's3:ListBucketMultipartUploads'),
      versions: to(listObjectVersions, 's3:ListBucketVersions'),
      acl: to(getBucketAcl, 's3:GetBucketAcl'),
      accelerate: to(emptyBucketConfiguration('AccelerateConfiguration'), 's3:GetAccelerateConfiguration'),
      logging: to(emptyBucketConfiguration('BucketLoggingStatus'), 's3:GetBucketLogging'),
      notification: to(emptyBucketConfiguration('NotificationConfiguration'), 's3:GetBucketNotification'),
      requestPayment: to(getBucketRequestPayment, 's3:GetBucketRequestPayment'),
      versioning: to(getBucketVersioning, 's3:GetBucketVersioning'),
      cors: to(getBucketCors, 's3:GetBucketCORS'),
      encryption: to(
        absentBucketConfiguration('ServerSideEncryptionConfigurationNotFoundError'),
        's3:GetEncryptionConfiguration',
      ),
      lifecycle: to(getBucketLifecycle, 's3:GetLifecycleConfiguration'),
      'object-lock': to(getObjectLockConfiguration, 's3:GetBucketObjectLockConfiguration'),
      ownershipControls: to(getBucketOwnershipControls, 's3:GetBucketOwnershipControls'),
      policy: to(getBucketPolicy, 's3:GetBucketPolicy'),
      policyStatus: to(getBucketPolicyStatus, 's3:GetBucketPolicyStatus'),
      publicAccessBlock: to(getPublicAccessBlock, 's3:GetBucketPublicAccessBlock'),
      replication: to(
        absentBucketConfiguration('ReplicationConfigurationNotFoundError'),
        's3:GetReplicationConfiguration',
      ),
      tagging: to(getBucketTagging, 's3:GetBucketTagging'),
      website: to(absentBucketConfiguration('NoSuchWebsiteConfiguration'), 's3:GetBucketWebsite'),
      'list-type': to(listObjectsV2, 's3:ListBucket'),
    },
  },
  HEAD: { plain: to(headBucket, 's3:ListBucket'), sub: {} },
  PUT: {
    plain: to(createBucket, 's3:CreateBucket'),
    sub: {
      acl: to(putBucketAcl, 's3:PutBucketAcl'),
      cors: to(putBucketCors, 's3:PutBucketCORS'),
      ownershipControls: to(putBucketOwnershipControls, 's3:PutBucketOwnershipControls'),
      policy: to(putBucketPolicy, 's3:PutBucketPolicy'),
      publicAccessBlock: to(putPublicAccessBlock, 's3:PutBucketPublicAccessBlock'),
      requestPayment: to(putBucketRequestPayment, 's3:PutBucketRequestPayment'),
      tagging: to(putBucketTagging, 's3:PutBucketTagging'),
      versioning: to(putBucketVersioning, 's3:PutBucketVersioning'),
      lifecycle: to(putBucketLifecycle, 's3:PutLifecycleConfiguration'),
      'object-lock': to(putObjectLockConfiguration, 's3:PutBucketObjectLockConfiguration'),
    },
  },
  DELETE: {
    plain: to(deleteBucket, 's3:DeleteBucket'),
    sub: {
      cors: to(deleteBucketDocument('cors'), 's3:PutBucketCORS'),
      ownershipControls: to(deleteBucketDocument('ownership'), 's3:PutBucketOwnershipControls'),
      policy: to(deleteBucketDocument('policy'), 's3:DeleteBucketPolicy'),
      lifecycle: to(deleteBucketDocument('lifecycle'), 's3:PutLifecycleConfiguration'),
      publicAccessBlock: to(deleteBucketDocument('publicAccessBlock'), 's3:PutBucketPublicAccessBlock'),
      tagging: to(deleteBucketDocument('tagging'), 's3:PutBucketTagging'),
    },
  },
  POST: { sub: { delete: to(deleteObjects, 's3:DeleteObject') } },
};

const objectRoutes: MethodRoutes = {
  GET: {
    plain: to(getObject, 's3:GetObject'),
    sub: {
      uploadId: to(listParts, 's3:ListMultipartUploadParts'),
      acl: to(getObjectAcl, 's3:GetObjectAcl'),
      attributes: to(getObjectAttributes, 's3:GetObjectAttributes'),
      retention: to(getObjectRetention, 's3:GetObjectRetention'),
      'legal-hold': to(getObjectLegalHold, 's3:GetObjectLegalHold'),
      tagging: to(getObjectTagging, 's3:GetObjectTagging'),
    },
  },
  HEAD: { plain: to(headObject, 's3:GetObject'), sub: {} },
  PUT: {
    plain: to(putObject, 's3:PutObject'),
    sub: {
      uploadId: to(uploadPart, 's3:PutObject'),
      acl: to(putObjectAcl, 's3:PutObjectAcl'),
      retention: to(putObjectRetention, 's3:PutObjectRetention'),
      'legal-hold': to(putObjectLegalHold, 's3:PutObjectLegalHold'),
      tagging: to(putObjectTagging, 's3:PutObjectTagging'),
    },
  },
  DELETE: {
    plain: to(deleteObject, 's3:DeleteObject'),
    sub: {
      uploadId: to(abortMultipartUpload, 's3:AbortMultipartUpload'),
      tagging: to(deleteObjectTagging, 's3:DeleteObjectTagging'),
    },
  },
  POST: {
    sub: {
      uploads: to(createMultipartUpload, 's3:PutObject'),
      uploadId: to(completeMultipartUpload, 's3:PutObject'),
    },
  },
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

/** The request's operation; its action is noted on the request. */
export function routeOf(request: S3Request, incoming: IncomingMessage): Operation {
  const { operation, action } = foundRoute(request, incoming);
  const version = request.query.get('versionId');
  request.action = version === undefined || version === '' ? action : versionAction(action);
  return operation;
}

function foundRoute(request: S3Request, incoming: IncomingMessage): Route {
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
  if (isForm(request, method)) return to(postObject, 's3:PutObject');
  if (routes.plain === undefined) throw notImplemented(method);
  return copying(routes.plain, request);
}

/** An upload from a browser's form is sent to the bucket. */
function isForm(request: S3Request, method: string): boolean {
  if (method !== 'POST' || !request.hasBucket || request.hasKey) return false;
  return /^multipart\/form-data\b/i.test(request.header('content-type') ?? '');
}

function subrouteOf(routes: Routes, request: S3Request): Route | undefined {
  for (const name in routes.sub) {
    if (request.query.has(name)) return routes.sub[name];
  }
  return undefined;
}

/** A copy is told from an upload by a header alone. */
function copying(route: Route, request: S3Request): Route {
  if (request.header('x-amz-copy-source') === undefined) return route;
  if (route.operation === putObject) return { ...route, operation: copyObject };
  return route.operation === uploadPart ? { ...route, operation: uploadPartCopy } : route;
}
