/** The client of a node that hangs, or that says what cannot be read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { asRecordKey } from '#common/codec/record-key.ts';
import { blobId, type DeviceId } from '#common/ids.ts';
import { ManualClock } from '#common/io/manual-clock.ts';
import { memoryNetwork } from '#common/io/memory-network.ts';
import type { Connection } from '#common/io/network.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import { DataBuffers } from './data-buffers.ts';
import { FramedConnection } from './framed-connection.ts';
import { frameTypes } from './frame.ts';
import { NONCE_BYTES, ServerHandshake } from './handshake.ts';
import { WINDOW_BYTES } from './messages/blob.ts';
import { encodeListBlobs } from './messages/list-blobs.ts';
import { smallMessage } from './messages/message.ts';
import { NodeClient } from './node-client.ts';
import type { NodeReply } from './node-reply.ts';

const KEY = Buffer.alloc(32, 7);
const ADDRESS = { host: 'node', port: 7000 };
const DEVICE = 1 as DeviceId;
const ROUTE = { partition: 1, epoch: 1 };
const CHUNK = Buffer.alloc(256 * 1024);

/** A node that shakes hands and then does what the test says. */
async function meet(
  then: (framed: FramedConnection, raw: Connection, stream: number, type: number) => void,
): Promise<{ client: NodeClient; clock: ManualClock }> {
  const clock = new ManualClock();
  const network = memoryNetwork({ clock });
  await network.listen(ADDRESS, (raw) => {
    const handshake = new ServerHandshake(KEY, Buffer.alloc(NONCE_BYTES, 2));
    let trusted = false;
    const framed = new FramedConnection(raw, new DataBuffers(), {
      frame: (type, stream, _device, payload) => {
        if (trusted) return then(framed, raw, stream, type);
        const { send, done } = handshake.answer(type, payload);
        trusted = done;
        framed.send(send, 0, 0);
      },
      closed: () => {},
    });
  });
  const parts = { network, clock, randomness: realRandomness(), clusterKey: KEY, buffers: new DataBuffers() };
  return { client: new NodeClient(parts, ADDRESS, 'bulk'), clock };
}

async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await setImmediate();
}

/** Opens an upload, and sends all that there is credit for. */
function sendWindow(client: NodeClient) {
  const seen: { taken: number; failures: string[] } = { taken: 0, failures: [] };
  const upload = client.upload(
    DEVICE,
    { route: ROUTE, id: blobId('ab'.repeat(16)), owner: asRecordKey(Buffer.alloc(32, 1)) },
    {
      credited: () => {
        for (let sent = 0; sent < WINDOW_BYTES; sent += CHUNK.length)
          upload.send(CHUNK, () => (seen.taken += 1), undefined);
      },
      committed: () => assert.fail('nothing was committed'),
      failed: (error) => void seen.failures.push(error.code),
    },
  );
  return { upload, seen };
}

test('a node that takes nothing for five seconds is cut off, and the memory given back, also of what was cancelled', async () => {
  const { client, clock } = await meet((_framed, raw) => raw.pause());
  const going = sendWindow(client);
  const cancelled = sendWindow(client);
  await turns();
  cancelled.upload.cancel();
  for (let second = 0; second < 5; second += 1) {
    clock.advance(1000);
    await turns(3);
  }
  assert.ok(going.seen.taken + cancelled.seen.taken < 8);
  assert.deepEqual(going.seen.failures, []);
  clock.advance(1000);
  await turns();
  assert.deepEqual(going.seen.failures, ['peer-unavailable']);
  assert.deepEqual(cancelled.seen.failures, []);
  assert.deepEqual([going.seen.taken, cancelled.seen.taken], [4, 4]);
  client.close();
});

test('a node that takes its time, but takes, is kept', async () => {
  let node: Connection | undefined;
  const { client, clock } = await meet((_framed, raw) => {
    node = raw;
    raw.pause();
  });
  const { seen } = sendWindow(client);
  for (let second = 0; second < 30; second += 1) {
    clock.advance(1000);
    await turns(3);
    // One more frame, behind which it stops again.
    if (second % 4 === 3) node?.resume();
    await turns(3);
  }
  assert.deepEqual(seen.failures, []);
  client.close();
});

test('an answer that cannot be read is told to whoever asked, once, and ends the connection', async () => {
  const garbage = smallMessage(frameTypes.blobs, 3, (into) => into.raw(Buffer.from([255, 255, 255])));
  const { client } = await meet((framed, _raw, stream) => framed.send(garbage, DEVICE, stream));
  const replies: NodeReply[] = [];
  const ask = () => {
    const message = encodeListBlobs({ type: 'listBlobs', after: undefined, limit: 1 });
    client.request(DEVICE, message, (reply) => void replies.push(reply));
  };
  ask();
  ask();
  await turns(60);
  const codes = replies.map((reply) => (reply.type === 'failed' ? reply.error.code : reply.type));
  assert.deepEqual(codes, ['protocol-violation', 'peer-unavailable']);
  client.close();
});
