/** What the headers of a PUT, POST or COPY say of the object that is made. */
import type { ObjectMetadata } from '#proxy/objects/object-record.ts';
import type { SwiftProperties } from '#proxy/objects/swift-properties.ts';
import { parseObjectManifest } from '#proxy/large-objects/representation.ts';
import type { SwiftContext } from '../context.ts';
import { badRequest, SwiftError } from '../errors.ts';
import { swiftLimits } from '../limits.ts';
import { isTrue } from '../query.ts';
import type { SwiftRequest } from '../request.ts';
import { guessContentType } from './content-type.ts';
import { parseDeleteAt } from './delete-at.ts';
import { readStoredHeaders } from './stored-metadata.ts';

export interface GivenMetadata extends Pick<ObjectMetadata, 'headers' | 'user'> {
  readonly swift: SwiftProperties;
}

/** @param contentType what the object gets when the request names none. */
export function readGivenMetadata(
  request: SwiftRequest,
  context: SwiftContext,
  contentType: string,
): GivenMetadata {
  const { headers, user } = readStoredHeaders(request.headers);
  const header = (name: string) => request.header(name);
  const deleteAtSeconds = parseDeleteAt(header, context.clock.nowMs());
  const objectManifest = objectManifestOf(header('x-object-manifest'));
  return {
    headers: { ...headers, 'content-type': contentType },
    user,
    swift: {
      ...(deleteAtSeconds === undefined ? undefined : { deleteAtSeconds }),
      ...(objectManifest === undefined ? undefined : { objectManifest }),
    },
  };
}

/** The content type that a request gives; undefined when it gives none, or asks for it to be found out. */
export function givenContentType(request: SwiftRequest): string | undefined {
  const given = request.header('content-type');
  if (given === undefined || given === '') return undefined;
  if (given.length > swiftLimits.max_header_size) throw badRequest('Header value too long: Content-Type');
  return given;
}

export function putContentType(request: SwiftRequest, name: string): string {
  const detect = isTrue(request.header('x-detect-content-type'));
  return (detect ? undefined : givenContentType(request)) ?? guessContentType(name);
}

function objectManifestOf(header: string | undefined): string | undefined {
  if (header === undefined || header === '') return undefined;
  const { container, prefix } = parseObjectManifest(header);
  const wellFormed =
    container !== '' && prefix !== '' && !prefix.startsWith('/') && !/[?&]/.test(container + prefix);
  if (wellFormed && header.length <= swiftLimits.max_header_size) return header;
  throw badRequest('X-Object-Manifest must be in the format container/prefix');
}

/** The object has nothing of Swift's own when there is nothing to say. */
export function swiftSection(swift: SwiftProperties): { swift?: SwiftProperties } {
  return Object.keys(swift).length === 0 ? {} : { swift };
}

/** The ETag that a client vouches for, in lower case and without quotes. */
export function givenEtag(request: SwiftRequest): string | undefined {
  const etag = request.header('etag');
  return etag === undefined || etag === '' ? undefined : etag.toLowerCase().replace(/^"(.*)"$/, '$1');
}

/** Refuses a body whose length is not told, or is too large, before any of it has been asked for. */
export function checkBodyHeaders(request: SwiftRequest): void {
  const encoding = request.header('transfer-encoding');
  if (encoding !== undefined && encoding.toLowerCase() !== 'chunked') {
    throw new SwiftError(501, 'Unsupported Transfer-Encoding');
  }
  const length = request.header('content-length');
  if (length === undefined && encoding === undefined) throw new SwiftError(411);
  if (length !== undefined && Number(length) > swiftLimits.max_file_size) throw new SwiftError(413);
}
