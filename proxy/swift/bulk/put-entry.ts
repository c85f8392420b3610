/** Makes an object of a file in an archive. */
import { defaultLock } from '#proxy/buckets/bucket-lock.ts';
import { openRequestBody } from '#proxy/body/open-request-body.ts';
import { EncodedObject } from '#proxy/objects/object-record.ts';
import { objectKey, writeObject } from '#proxy/objects/object-store.ts';
import { receiveBody } from '#proxy/objects/receive-body.ts';
import type { SwiftContext } from '../context.ts';
import { SwiftError } from '../errors.ts';
import { swiftLimits } from '../limits.ts';
import { guessContentType } from '../objects/content-type.ts';
import { parseDeleteAt } from '../objects/delete-at.ts';
import { besides, writableElsewhere } from '../objects/elsewhere.ts';
import { checkObjectName } from '../objects/object-name.ts';
import { swiftSection } from '../objects/put-headers.ts';
import { readStoredHeaders } from '../objects/stored-metadata.ts';
import type { SwiftRequest } from '../request.ts';
import type { ArchiveEntry } from './archive-entries.ts';

const MIME_TYPE = /^(?:SCHILY|LIBARCHIVE)\.xattr\.user\.mime_type$/;
const USER_METADATA = /^(?:SCHILY|LIBARCHIVE)\.xattr\.user\.meta\.(.+)$/;

export interface UnpackedFile {
  readonly container: string;
  readonly object: string;
  readonly entry: ArchiveEntry;
}

export async function putEntry(
  request: SwiftRequest,
  context: SwiftContext,
  { container, object, entry }: UnpackedFile,
): Promise<void> {
  checkObjectName(object);
  if (entry.sizeBytes > swiftLimits.max_file_size) throw new SwiftError(413);
  const { cluster, bodies, clock } = context;
  const { contentType, user } = readAttributes(request, entry);
  const deleteAtSeconds = parseDeleteAt((name) => request.header(name), clock.nowMs());
  const lease = await writableElsewhere(
    request,
    context,
    besides(request, container),
    'PUT',
    entry.sizeBytes,
  );
  const headers = { 'content-length': String(entry.sizeBytes) };
  const body = openRequestBody(entry.body, { headers, payload: { kind: 'unsigned' } }, bodies);
  const received = await receiveBody(cluster, objectKey(lease.bucket, object), body);
  const { md5Hex, lengthBytes } = received.digests;
  const metadata = {
    etag: md5Hex,
    sizeBytes: lengthBytes,
    headers: { 'content-type': contentType ?? guessContentType(object) },
    user,
    ...swiftSection(deleteAtSeconds === undefined ? {} : { deleteAtSeconds }),
    ...defaultLock(lease.bucket, clock.nowMs()),
  };
  await writeObject(cluster, lease, object, new EncodedObject(metadata, received.body));
}

/** User metadata of the request for all files, and over it what the archive says of this one. */
function readAttributes(
  request: SwiftRequest,
  { attributes }: ArchiveEntry,
): { contentType: string | undefined; user: Readonly<Record<string, string>> } {
  const given: Record<string, string> = {};
  for (const name in request.headers) {
    if (name.startsWith('x-object-meta-')) given[name] = request.header(name) ?? '';
  }
  let contentType: string | undefined;
  for (const [key, value] of Object.entries(attributes)) {
    // Kept as a header would carry it: UTF-8 shown as Latin-1, on one line.
    const text = Buffer.from(value)
      .toString('latin1')
      .replace(/[\r\n]/g, ' ');
    if (MIME_TYPE.test(key)) contentType = text;
    const [, name] = USER_METADATA.exec(key) ?? [];
    if (name !== undefined && /^[\w.!#$%&'*+^`|~-]+$/.test(name))
      given[`x-object-meta-${name.toLowerCase()}`] = text;
  }
  return { contentType, user: readStoredHeaders(given).user };
}
