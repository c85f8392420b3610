/** One request to one device, as a promise. */
import type { DeviceId } from '#common/ids.ts';
import type { EncodedMessage } from '#storage-node/protocol/messages/message.ts';
import type { NodeReply } from '#storage-node/protocol/node-reply.ts';
import { HoldfastError } from '#common/errors.ts';
import type { ClusterContext } from '../context.ts';

/** Throws what the node answers FAILED with, and `protocol-violation` when it answers something else than `type`. */
export async function askNode<Type extends NodeReply['type']>(
  context: ClusterContext,
  device: DeviceId,
  message: EncodedMessage,
  type: Type,
): Promise<NodeReply & { readonly type: Type }> {
  const reply = await new Promise<NodeReply>((resolve) =>
    context.nodes.client(device, 'small').request(device, message, resolve),
  );
  if (reply.type === 'failed') {
    if (reply.error.code === 'ring-outdated') context.ringOutdated?.();
    throw reply.error;
  }
  if (reply.type !== type) throw new HoldfastError('protocol-violation', `${reply.type} answers no ${type}`);
  return reply as NodeReply & { readonly type: Type };
}
