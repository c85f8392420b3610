/** What HEAD and GET of a container answer with. */
import type { BucketRecord } from '#proxy/buckets/bucket-record.ts';
import { withoutSecrets } from './account-headers.ts';
import type { SwiftContext } from './context.ts';
import { POLICY_NAME } from './limits.ts';
import { pushMetadata, titleCase } from './metadata.ts';
import type { Permission } from './permission.ts';
import type { FlatHeaders } from './reply.ts';
import { lastModified, timestamp } from './timestamps.ts';
import { containerUsage } from '#control/protocol/account-usage.ts';

/** The headers of a container, besides its metadata, that are kept: only its account's own people see and set them. */
export const CONTAINER_SETTINGS = ['read', 'write', 'sync-to', 'sync-key'];

export async function containerHeaders(
  context: SwiftContext,
  bucket: BucketRecord,
  { isOwner }: Permission,
): Promise<FlatHeaders> {
  const { objects, bytes } = await containerUsage(context.cluster, bucket);
  const { container, createdMs } = bucket;
  const headers: FlatHeaders = [
    ...['X-Container-Object-Count', objects],
    ...['X-Container-Bytes-Used', bytes],
    ...['X-Timestamp', timestamp(createdMs)],
    ...['Last-Modified', lastModified(container?.modifiedMs ?? createdMs)],
    ...['X-Storage-Policy', POLICY_NAME],
    ...['Accept-Ranges', 'bytes'],
  ];
  if (container === undefined) return headers;
  const { metadata, settings } = container;
  pushMetadata(headers, 'X-Container-Meta-', isOwner ? metadata : withoutSecrets(metadata));
  if (!isOwner) return headers;
  for (const [name, value] of Object.entries(settings)) headers.push(`X-Container-${titleCase(name)}`, value);
  return headers;
}
