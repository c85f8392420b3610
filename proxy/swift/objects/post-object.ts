/** POST of an object: its metadata is replaced, its body stays (Object Storage API reference, "Update object metadata"). */
import { rewriteObject } from '#proxy/objects/object-store.ts';
import { isExpired } from '#proxy/objects/swift-properties.ts';
import { writableContainer } from '../container-of.ts';
import { SwiftError } from '../errors.ts';
import type { Operation } from '../request.ts';
import { checkObjectName } from './object-name.ts';
import { givenContentType, readGivenMetadata } from './put-headers.ts';

export const postObject: Operation = async (request, context) => {
  checkObjectName(request.object);
  const { lease } = await writableContainer(request, context);
  const contentType = givenContentType(request);
  const given = readGivenMetadata(request, context, contentType ?? '');
  const nowMs = context.clock.nowMs();
  const rewritten = await rewriteObject(context.cluster, lease, request.object, undefined, ({ metadata }) => {
    const { swift: before, ...kept } = metadata;
    if (isExpired(before, nowMs)) throw new SwiftError(404);
    const largeObject = before?.largeObject;
    const swift = { ...given.swift, ...(largeObject === undefined ? undefined : { largeObject }) };
    return {
      ...kept,
      headers: { ...given.headers, 'content-type': contentType ?? metadata.headers['content-type'] ?? '' },
      user: given.user,
      ...(Object.keys(swift).length === 0 ? undefined : { swift }),
    };
  });
  if (rewritten === undefined) throw new SwiftError(404);
  request.reply.accepted(202);
};
