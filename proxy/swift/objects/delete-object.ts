/** DELETE of an object (Object Storage API reference, "Delete object"). */
import { writableContainer } from '../container-of.ts';
import { deleteStaticObject } from '../large-objects/delete-static-object.ts';
import type { Operation } from '../request.ts';
import { parseIfDeleteAt } from './delete-at.ts';
import { checkObjectName } from './object-name.ts';
import { removeNamed } from './remove-named.ts';

export const deleteObject: Operation = async (request, context) => {
  checkObjectName(request.object);
  if (request.query.get('multipart-manifest') === 'delete') return deleteStaticObject(request, context);
  const { lease } = await writableContainer(request, context);
  const ifDeleteAt = parseIfDeleteAt((name) => request.header(name));
  await removeNamed(context, lease, request.object, ifDeleteAt);
  request.reply.accepted(204);
};
