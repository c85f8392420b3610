/** The upload that a request names. */
import { isUploadId } from '#proxy/objects/upload-record.ts';
import { S3Error } from './errors.ts';
import type { S3Request } from './request.ts';

export function noSuchUpload(uploadId: string): S3Error {
  return new S3Error('NoSuchUpload', undefined, { fields: { UploadId: uploadId.slice(0, 1024) } });
}

export function uploadIdOf(request: S3Request): string {
  const uploadId = request.query.get('uploadId') ?? '';
  if (!isUploadId(uploadId)) throw noSuchUpload(uploadId);
  return uploadId;
}
