/** Gives one device a record that it missed: docs/formats/register.md, "A member that is behind". */
import { compareBallots } from '#common/ballot.ts';
import type { DeviceId } from '#common/ids.ts';
import { encodeRead } from '#storage-node/protocol/messages/read.ts';
import { encodeRepair } from '#storage-node/protocol/messages/repair.ts';
import type { NodeReply } from '#storage-node/protocol/node-reply.ts';
import type { EncodedMessage } from '#storage-node/protocol/messages/message.ts';
import { type ClusterContext, placeRecord } from '../context.ts';
import { askNode } from '../rebalance/ask-node.ts';
import { runReading } from '../records/run-reading.ts';
import { runMutation } from '../records/run-mutation.ts';
import type { Ticker } from '../ticker.ts';
import type { RecordHint } from './hints.ts';

/** Whether anything was done. Throws what keeps it from being done now: the device is away, or no quorum is there. */
export async function repairRecord(
  context: ClusterContext,
  ticker: Ticker,
  device: DeviceId,
  hint: RecordHint,
): Promise<boolean> {
  const { key, ballot, isDamaged } = hint;
  const { route, devices } = placeRecord(context, key);
  // The partition has moved on without the device.
  if (!devices.includes(device)) return false;
  if (!isDamaged) {
    const read = encodeRead({ type: 'read', route, key, ballotOnly: true });
    const held = await askNode(context, device, read, 'ballot');
    if (held.ballot !== undefined && compareBallots(held.ballot, ballot) >= 0) return false;
  }
  const outcome = await runReading(context, ticker, key);
  if (outcome !== 'settle') {
    if (outcome.state === undefined) return false;
    // Read and repaired under one epoch: what is decided under another may have other members.
    const message = encodeRepair({ type: 'repair', route, key, state: outcome.state });
    const reply = await answer(context, device, message);
    if (reply.type === 'accepted') return true;
    if (reply.type === 'failed') throw reply.error;
  }
  await settle(context, ticker, hint);
  return true;
}

/** Writes what there is again, under a ballot that is above every floor. */
function settle(context: ClusterContext, ticker: Ticker, { key }: RecordHint): Promise<void> {
  return runMutation<undefined>(context, ticker, key, (current) => {
    if (current === undefined) return { action: 'keep', result: undefined };
    const { summary, content, counted } = current;
    return { action: 'write', summary, content, counted, result: undefined };
  });
}

function answer(context: ClusterContext, device: DeviceId, message: EncodedMessage): Promise<NodeReply> {
  return new Promise((resolve) => context.nodes.client(device, 'small').request(device, message, resolve));
}
