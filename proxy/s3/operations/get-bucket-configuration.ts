/**
 * Reads of a bucket's configurations that cannot be set here: what S3 answers about a bucket on which nobody has set them
 * (Amazon S3 API Reference, GetBucketVersioning and its like).
 */
import { bucketOf } from '../bucket-of.ts';
import { S3Error, type S3ErrorCode } from '../errors.ts';
import type { Operation } from '../request.ts';
import { XmlWriter } from '../xml/writer.ts';

/** A document that says that nothing is set. */
export function emptyBucketConfiguration(
  root: string,
  elements: Readonly<Record<string, string>> = {},
): Operation {
  return async (request, context) => {
    await bucketOf(request, context);
    const xml = new XmlWriter(root);
    for (const [name, value] of Object.entries(elements)) xml.element(name, value);
    request.reply.xml(200, xml.done());
  };
}

/** An error that says that nothing is set. */
export function absentBucketConfiguration(code: S3ErrorCode): Operation {
  return async (request, context) => {
    await bucketOf(request, context);
    throw new S3Error(code, undefined, { fields: { BucketName: request.bucket } });
  };
}
