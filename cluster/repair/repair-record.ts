/** Gives one device a record that it missed: docs/formats/register.md, "A member that is behind". */
import { compareBallots } from '#common/ballot.ts';
import type { RecordKey } from '#common/codec/record-key.ts';
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
  if (outcome === 'settle') {
    // What is not decided is proposed to all.
    await runMutation(context, ticker, key, () => ({ action: 'keep', result: undefined }));
    return true;
  }
  if (outcome.state === undefined) return false;
  // Under the epoch of before the read: what is decided under another may have other members, and the device refuses it.
  const message = encodeRepair({ type: 'repair', route, key, state: outcome.state });
  const reply = await answer(context, device, message);
  if (reply.type === 'accepted') return true;
  if (reply.type === 'failed') throw reply.error;
  await writeAgain(context, ticker, key);
  return true;
}

/** Writes what there is again, a tombstone too, under a ballot that is above every floor. */
function writeAgain(context: ClusterContext, ticker: Ticker, key: RecordKey): Promise<void> {
  return runMutation<undefined>(context, ticker, key, (current) => {
    if (current === undefined) return { action: 'remove', result: undefined };
    const { summary, content, counted } = current;
    return { action: 'write', summary, content, counted, result: undefined };
  });
}

function answer(context: ClusterContext, device: DeviceId, message: EncodedMessage): Promise<NodeReply> {
  return new Promise((resolve) => context.nodes.client(device, 'small').request(device, message, resolve));
}
